"""Who does jobs: processes of this machine, or a cluster's workers."""

from concurrent.futures import Executor
from typing import NamedTuple

from diagnostics.runs.workers import NICENESS, Workers
from diagnostics.store.opening import file_of
from diagnostics.store.settings import InvalidSetting, Settings


class Crew(NamedTuple):
    """So many jobs at a time; on a cluster where its scheduler's address is given."""

    slots: int = 1
    cluster: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Crew":
        """What the settings say.

        Raises:
            InvalidSetting: a cluster can't reach the store.
        """
        if settings.cluster and file_of(settings.store_url) is not None:
            raise InvalidSetting(
                f"cluster={settings.cluster} can't be used with a store that is a file of this "
                "machine: give a PostgreSQL with store=postgresql+psycopg://…."
            )
        return cls(settings.workers, settings.cluster)

    def executor(self) -> Executor:
        """For trainings, which let others go first."""
        return self._on_cluster(0) or Workers(self.slots, NICENESS)

    def assistant(self) -> Executor:
        """For what somebody waits for."""
        return self._on_cluster(1) or Workers(1)

    def _on_cluster(self, priority: int) -> Executor | None:
        if not self.cluster:
            return None
        from diagnostics.runs.cluster import Cluster

        return Cluster(self.cluster, priority)
