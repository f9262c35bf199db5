// One card for each upstream: breaker, rates, charts, gauges and endpoints.

import { lineChart } from "./charts.js";
import { byId, chip, el, setAttribute, setChildren, setText } from "./dom.js";
import { endpointTable } from "./endpoints.js";
import { count, duration, latency, percent, rate, words } from "./format.js";

const TRAFFIC = [
  { label: "calls", tone: "blue" },
  { label: "failed", tone: "red", dash: [2, 3] },
  { label: "fallbacks", tone: "amber", dash: [7, 4] },
];
const LATENCY = [
  { label: "p50", tone: "blue" },
  { label: "p99", tone: "violet", dash: [7, 4] },
];
const NUMBERS = [
  ["calls", "calls a second"],
  ["errors", "share of calls without a good answer"],
  ["fallbacks", "calls a second that a fallback answered"],
  ["retries", "attempts a second after an earlier one of the same call"],
  ["p50", "median latency of the last minute"],
  ["p99", "99th percentile of the last minute"],
];

const cards = new Map();

export function showUpstreams(upstreams, history) {
  const names = new Set(upstreams.map((upstream) => upstream.name));
  for (const [name, card] of cards) {
    if (!names.has(name)) { card.end(); cards.delete(name); }
  }
  const nodes = upstreams.map((upstream) => {
    if (!cards.has(upstream.name)) cards.set(upstream.name, new Card(upstream.name));
    return cards.get(upstream.name).node;
  });
  const empty = byId("upstreams-empty");
  setText(empty, "No upstreams are configured.");
  empty.hidden = nodes.length > 0;
  setChildren(byId("upstreams"), [empty, ...nodes]);
  // Charts measure their place, so they are drawn once the cards stand.
  for (const upstream of upstreams) {
    cards.get(upstream.name).show(upstream, history.track(upstream.name));
  }
}

class Card {
  constructor(name) {
    this.usable = chip();
    this.breaker = chip();
    this.cause = el("span", { class: "why" });
    this.numbers = Object.fromEntries(NUMBERS.map(([key]) => [key, el("dd")]));
    this.traffic = el("div", { class: "chart", role: "img" });
    this.latency = el("div", { class: "chart", role: "img" });
    this.budget = gauge("Attempt budget");
    this.bulkhead = gauge("Bulkhead");
    this.endpoints = endpointTable(name);
    this.node = this.build(name);
    this.charts = [lineChart(this.traffic, TRAFFIC, rate), lineChart(this.latency, LATENCY, latency)];
  }

  build(name) {
    const numbers = NUMBERS.map(([key, title]) =>
      el("div", { title }, el("dt", {}, key), this.numbers[key]));
    const head = el("div", { class: "card-head" }, el("h2", {}, name), this.usable.node,
      this.breaker.node, this.cause);
    const charts = el("div", { class: "charts" },
      el("figure", {}, el("figcaption", {}, "Calls a second"), this.traffic),
      el("figure", {}, el("figcaption", {}, "Latency, last minute"), this.latency));
    const gauges = el("div", { class: "gauges" }, this.budget.node, this.bulkhead.node);
    return el("article", { class: "card", "aria-label": `Upstream ${name}` }, head,
      el("dl", { class: "numbers" }, ...numbers), charts, gauges, this.endpoints.node);
  }

  show(upstream, track) {
    this.showStanding(upstream);
    this.showNumbers(upstream, track);
    showBudget(this.budget, upstream.budget);
    showBulkhead(this.bulkhead, upstream.bulkhead);
    this.endpoints.show(upstream.endpoints);
    this.charts[0].draw(track.table(["calls", "failed", "fallbacks"]));
    this.charts[1].draw(track.table(["p50", "p99"]));
  }

  showStanding(upstream) {
    const [tone, text] = standing(upstream);
    this.usable.set(tone, text);
    const breaker = breakerWords(upstream.breaker);
    this.breaker.set(breaker.tone, breaker.text);
    setText(this.cause, breaker.cause);
    const worst = [tone, breaker.tone].includes("bad") ? "bad"
      : [tone, breaker.tone].includes("warn") ? "warn" : "good";
    setAttribute(this.node, "class", `card ${worst}`);
  }

  showNumbers(upstream, track) {
    const errors = track.errorShare();
    const texts = {
      calls: rate(track.recent("calls")),
      errors: percent(errors),
      fallbacks: rate(track.recent("fallbacks")),
      retries: rate(track.recent("retries")),
      p50: latency(upstream.latency.p50_ms),
      p99: latency(upstream.latency.p99_ms),
    };
    for (const [key, text] of Object.entries(texts)) setText(this.numbers[key], text);
    // Five in a hundred is where people begin to ask.
    setAttribute(this.numbers.errors, "class", errors >= 0.05 ? "loud" : null);
    setAttribute(this.traffic, "aria-label",
      `Five minutes of traffic; now ${texts.calls}, ${texts.errors} without a good answer`);
    setAttribute(this.latency, "aria-label",
      `Five minutes of latency; now median ${texts.p50}, 99th percentile ${texts.p99}`);
  }

  end() {
    for (const chart of this.charts) chart.end();
  }
}

function standing(upstream) {
  const hold = upstream.hold;
  if (hold && hold.state === "outage") return ["bad", `outage, ${count(hold.held)} held`];
  if (hold && hold.state === "releasing") return ["warn", `back, ${count(hold.held)} held`];
  if (upstream.panic) return ["bad", "panic"];
  return upstream.usable ? ["good", "usable"] : ["bad", "not usable"];
}

const BREAKER = { closed: "good", open: "bad", probe_due: "warn", half_open: "warn" };

function breakerWords(breaker) {
  if (!breaker) return { tone: "off", text: "no breaker", cause: "" };
  const manual = breaker.manual === "auto" ? "" : ` (${words(breaker.manual)})`;
  const causes = [];
  if (breaker.state !== "closed") {
    if (breaker.cause) causes.push(words(breaker.cause));
    if (breaker.until_ms !== null) causes.push(`${duration(breaker.until_ms)} left`);
    if (breaker.openings > 1) causes.push(`opened ${breaker.openings} times in a row`);
  } else if (breaker.failures > 0) {
    causes.push(`${count(breaker.failures)} of ${count(breaker.calls)} failed in its window`);
  }
  return {
    tone: BREAKER[breaker.state] || "off",
    text: `breaker ${words(breaker.state)}${manual}`,
    cause: causes.join(" · "),
  };
}

function gauge(label) {
  const bar = el("div", { class: "bar-fill" });
  const text = el("span", { class: "gauge-text" });
  const meter = el("div", { class: "bar", role: "meter", "aria-label": label,
    "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  const node = el("div", { class: "gauge" }, el("span", { class: "gauge-name" }, label), meter, text);
  return { node, bar, text, meter };
}

function setGauge(parts, share, text) {
  const full = Math.round(Math.max(0, Math.min(1, share)) * 100);
  parts.bar.style.width = `${full}%`;
  setAttribute(parts.bar, "class", full >= 90 ? "bar-fill bad" : full >= 70 ? "bar-fill warn" : "bar-fill");
  setAttribute(parts.meter, "aria-valuenow", full);
  setAttribute(parts.meter, "aria-valuetext", text);
  setText(parts.text, text);
}

function showBudget(parts, budget) {
  const sum = budget.extra + budget.left;
  const text = budget.left === 0 ? `spent: ${count(budget.extra)} extra on ${count(budget.first)} first`
    : `${count(budget.extra)} extra of ${count(sum)}, on ${count(budget.first)} first`;
  setGauge(parts, sum > 0 ? budget.extra / sum : budget.first > 0 ? 1 : 0, text);
}

function showBulkhead(parts, bulkhead) {
  parts.node.hidden = !bulkhead;
  if (!bulkhead) return;
  const queued = bulkhead.queue > 0 ? `, ${count(bulkhead.queued)} of ${count(bulkhead.queue)} waiting` : "";
  const text = `${count(bulkhead.in_use)} of ${count(bulkhead.permits)} permits${queued}`;
  setGauge(parts, bulkhead.permits > 0 ? bulkhead.in_use / bulkhead.permits : 1, text);
}
