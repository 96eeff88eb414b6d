// @ts-check
/* Axes: how far they reach, and where their ticks are. */
"use strict";

const axes = (() => {
  const LENGTHS = [50, 100, 200, 500, 1000, 2000, 5000]; // of an axis of steps
  const ROUND = [1, 2, 5, 10];
  const LOSSES = 12;         // a loss beyond it is left out of sight

  /**
   * 1, 2 … n.
   * @param {number} n
   */
  const numbers = (n) => Array.from({ length: n }, (_, i) => i + 1);

  /**
   * Ten to the n, in words.
   * @param {number} n
   */
  function power(n) {
    if (n === 0) return "1";
    return `10${formats.raised(String(n))}`;
  }

  /**
   * The next of 1, 2, 5, 10, 20, 50 …
   * @param {number} least
   */
  function round(least) {
    const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
    return power * (ROUND.find((n) => n * power >= least * (1 - 1e-9)) || 10);
  }

  /**
   * Ticks at whole powers of ten, no more than fit.
   * @param {Reach} range in decades
   * @returns {Axis & {range: Reach}}
   */
  function decades(range, most = 6) {
    const [low, high] = range.map(Math.round);
    const every = Math.max(1, Math.ceil((high - low) / most));
    const powers = numbers(high - low + 1).map((n) => low + n - 1).filter((n) => n % every === 0);
    return { range, tickvals: powers.map((n) => 10 ** n), ticktext: powers.map(power) };
  }

  /**
   * Whole decades that grow with the data and shrink only when most of them stand empty.
   * @param {Reach} now in decades
   * @param {Numbers} values
   * @returns {Reach}
   */
  function logarithmic(now, values) {
    const logs = values.flatMap((v) => (v !== null && v > 0 ? [Math.log10(v)] : []));
    if (!logs.length) return now;
    const low = Math.floor(Math.min(...logs) - 0.7);
    const high = Math.ceil(Math.max(...logs) + 0.3);
    const empty = high - low < 0.4 * (now[1] - now[0]) && now[1] - now[0] > 6;
    if (empty) return [high - Math.max(high - low, 4), high];
    if (low >= now[0] && high <= now[1]) return now;
    return [Math.min(low, high - 4, now[0]), Math.max(high, now[1])];
  }

  /**
   * The same without a logarithm: zero and all values, in whole steps of their power of ten.
   * @param {Reach} now
   * @param {Numbers} values
   * @returns {Reach}
   */
  function linear(now, values) {
    const seen = values.filter((v) => v !== null);
    if (!seen.length) return now;
    const [low, high] = [Math.min(0, ...seen), Math.max(0, ...seen)];
    const every = 10 ** Math.floor(Math.log10(high - low || 1));
    const [from, to] = [Math.floor(low / every) * every, (Math.floor(high / every) + 1) * every];
    if (to - from < 0.4 * (now[1] - now[0])) return [from, to];
    if (from >= now[0] && to <= now[1]) return now;
    return [Math.min(from, now[0]), Math.max(to, now[1])];
  }

  /**
   * An axis of steps that need not change at every step.
   * @param {number[]} steps so far
   * @param {number} all that are meant
   * @returns {{range: Reach}}
   */
  function history(steps, all) {
    const last = steps.length ? steps[steps.length - 1] : 1;
    return { range: [0, Math.min(all, LENGTHS.find((length) => length >= last) || last * 1.3)] };
  }

  /**
   * @param {Numbers} values
   * @returns {{range: Reach}}
   */
  function losses(values) {
    const top = Math.max(2.6, ...values.filter((v) => v !== null && v < LOSSES).map(Number));
    return { range: [0, Math.ceil(top * 2) / 2] };
  }

  return { numbers, power, round, decades, logarithmic, linear, history, losses };
})();
