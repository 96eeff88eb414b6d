"""Callbacks for trainers that own the loop; each module needs the library of its name."""
