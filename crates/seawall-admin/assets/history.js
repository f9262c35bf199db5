// The last five minutes of each upstream, kept in the browser: rates are differences of counters
// between two looks at the gateway. Drawing them is in charts.js.

// Seconds shown by the charts.
export const SPAN = 300;
// Looks are a second apart; past this pause the line is broken instead of guessed.
const PAUSE_MAX = 3;
// Seconds that the numbers are averaged over, so that they can be read.
const SMOOTH = 5;

const COUNTERS = ["calls", "failed", "fallbacks", "retries"];
const COLUMNS = ["time", ...COUNTERS, "p50", "p99"];

export class History {
  constructor() {
    this.upstreams = new Map();
    this.uptime = 0;
  }

  // Takes in one status, seen at `time` in seconds. A gateway that started anew starts anew here.
  add(status, time) {
    if (status.uptime_ms < this.uptime) for (const track of this.upstreams.values()) track.last = null;
    this.uptime = status.uptime_ms;
    const names = new Set(status.upstreams.map((upstream) => upstream.name));
    for (const name of this.upstreams.keys()) if (!names.has(name)) this.upstreams.delete(name);
    for (const upstream of status.upstreams) this.track(upstream.name).add(upstream, time);
  }

  track(name) {
    if (!this.upstreams.has(name)) this.upstreams.set(name, new Track());
    return this.upstreams.get(name);
  }
}

class Track {
  constructor() {
    this.columns = Object.fromEntries(COLUMNS.map((name) => [name, []]));
    this.last = null;
  }

  add(upstream, time) {
    const totals = upstream.totals;
    const now = { time };
    for (const name of COUNTERS) now[name] = totals[`${name}_total`];
    const before = this.last;
    this.last = now;
    if (before === null) return;
    const pause = now.time - before.time;
    if (pause <= 0) return;
    const known = pause <= PAUSE_MAX;
    this.columns.time.push(time);
    for (const name of COUNTERS) {
      this.columns[name].push(known ? Math.max(0, now[name] - before[name]) / pause : null);
    }
    this.columns.p50.push(known ? upstream.latency.p50_ms : null);
    this.columns.p99.push(known ? upstream.latency.p99_ms : null);
    this.forget(time - SPAN - 2);
  }

  forget(until) {
    const gone = this.columns.time.findIndex((time) => time >= until);
    if (gone > 0) for (const column of Object.values(this.columns)) column.splice(0, gone);
  }

  // The mean over the last seconds, null where nothing is known.
  recent(name) {
    const known = this.columns[name].slice(-SMOOTH).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  }

  errorShare() {
    const calls = this.recent("calls");
    return calls > 0 ? Math.min(1, this.recent("failed") / calls) : null;
  }

  table(names) {
    return ["time", ...names].map((name) => this.columns[name]);
  }
}
