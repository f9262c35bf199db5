// The table of endpoints of one upstream.

import { chip, el, setAttribute, setChildren, setText } from "./dom.js";
import { count, duration, latency, percent, UNKNOWN, words } from "./format.js";

const HEADS = [
  ["Endpoint", "host and port, with its zone"],
  ["Standing", "whether it may be chosen, and why not"],
  ["Health", "verdict of the active health checks"],
  ["Active", "attempts running there", "number"],
  ["Estimate", "the balancer's latency estimate", "number"],
  ["Success", "share of good outcomes in the window", "number"],
  ["Weight", "share of its full weight", "number"],
  ["Attempts", "since the start", "number"],
  ["Failures", "since the start", "number"],
];

const STANDING = { in: "good", silent: "warn", ejected: "bad", probe_due: "warn", probing: "warn", draining: "off" };
const HEALTH = { healthy: "good", unhealthy: "bad", unknown: "off" };

export function endpointTable(upstream) {
  const heads = HEADS.map(([text, title, kind]) =>
    el("th", { scope: "col", title, class: kind || null }, text));
  const body = el("tbody");
  const table = el("table", {}, el("caption", { class: "hidden" }, `Endpoints of ${upstream}`),
    el("thead", {}, el("tr", {}, ...heads)), body);
  const label = `Endpoints of ${upstream}`;
  const node = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
  const rows = new Map();
  return { node, show: (endpoints) => show(body, rows, endpoints) };
}

function show(body, rows, endpoints) {
  const addresses = new Set(endpoints.map((endpoint) => endpoint.address));
  for (const address of rows.keys()) if (!addresses.has(address)) rows.delete(address);
  const nodes = endpoints.map((endpoint) => {
    if (!rows.has(endpoint.address)) rows.set(endpoint.address, row());
    const known = rows.get(endpoint.address);
    known.show(endpoint);
    return known.nodes;
  });
  setChildren(body, nodes.flat());
}

// Two table rows: the numbers, and below them in one line why it is not in choice.
function row() {
  const cell = (kind) => el("td", { class: kind });
  const address = el("span");
  const zone = el("span", { class: "zone" });
  const name = el("th", { scope: "row" }, address, zone);
  const standing = chip();
  const why = el("td", { class: "why", colspan: HEADS.length });
  const health = chip();
  const numbers = HEADS.slice(3).map(() => cell("number"));
  const node = el("tr", {}, name, el("td", {}, standing.node), el("td", {}, health.node),
    ...numbers);
  const reason = el("tr", { class: "reason" }, why);
  const parts = { node, reason, address, zone, standing, why, health, numbers };
  return { nodes: [node, reason], show: (endpoint) => fill(parts, endpoint) };
}

function fill(parts, endpoint) {
  setText(parts.address, endpoint.address);
  setText(parts.zone, endpoint.zone ? ` zone ${endpoint.zone}` : "");
  parts.standing.set(STANDING[endpoint.standing] || "off", words(endpoint.standing));
  const text = why(endpoint);
  setText(parts.why, text);
  parts.reason.hidden = text === "";
  parts.health.set(HEALTH[endpoint.health] || "off", words(endpoint.health));
  const texts = [count(endpoint.active),
    endpoint.attempts_total > 0 ? latency(endpoint.estimate_ms) : UNKNOWN,
    percent(endpoint.success_rate), percent(endpoint.weight),
    count(endpoint.attempts_total), count(endpoint.failures_total)];
  texts.forEach((text, index) => setText(parts.numbers[index], text));
  setAttribute(parts.node, "class", endpoint.standing === "in" ? null : "out");
}

function why(endpoint) {
  const parts = [];
  if (endpoint.reason) parts.push(endpoint.reason);
  if (endpoint.until_ms !== null) parts.push(`${duration(endpoint.until_ms)} left`);
  const breaker = endpoint.breaker;
  if (breaker && breaker.state !== "closed") parts.push(`breaker ${words(breaker.state)}`);
  return parts.join(" · ");
}
