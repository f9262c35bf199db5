// Recent calls, each with its decision trail to unfold.

import { byId, chip, el, setChildren, setText } from "./dom.js";
import { clock, duration, latency, words } from "./format.js";

const SHOWN = 50;
// With the filter on, so many are searched for those to show.
const SEARCHED = 500;
// Unfolded calls that stay after newer ones have pushed them out.
const READ_MAX = 20;

const VERDICT = { answer: "good", fallback: "warn", rejected: "bad", failed: "bad", cancelled: "off" };

const rows = new Map();

// Asks once and shows what came. Throws what `fetch` throws.
export async function showCalls() {
  const filtered = byId("calls-filter").checked;
  const limit = filtered ? SEARCHED : SHOWN;
  const response = await fetch(`/v1/calls?limit=${limit}`, { signal: AbortSignal.timeout(3000) });
  if (!response.ok) throw new Error(`/v1/calls answered ${response.status}`);
  const { calls } = await response.json();
  show((filtered ? calls.filter((call) => !isPlain(call)) : calls).slice(0, SHOWN), filtered);
}

function isPlain(call) {
  return call.verdict === "answer" && call.reason === null && call.attempts <= 1
    && call.status !== null && call.status < 500;
}

function show(calls, filtered) {
  const wanted = new Map(calls.map((call) => [call.id, call]));
  for (const [id, node] of rows) {
    // What someone is reading stays, although newer calls have pushed it out.
    if (!wanted.has(id) && !node.open) rows.delete(id);
  }
  const kept = [...rows.keys()].filter((id) => !wanted.has(id));
  for (const id of kept.splice(0, kept.length - READ_MAX)) rows.delete(id);
  const older = kept.map((id) => rows.get(id));
  for (const call of calls) if (!rows.has(call.id)) rows.set(call.id, row(call));
  setChildren(byId("calls"), [...calls.map((call) => rows.get(call.id)), ...older]);
  const empty = byId("calls-empty");
  setText(empty, filtered ? `All of the last ${SEARCHED} calls were plain successes.` : "No calls yet.");
  empty.hidden = rows.size > 0;
}

function row(call) {
  const verdict = chip();
  const isError = call.verdict === "answer" && call.status >= 500;
  verdict.set(isError ? "bad" : VERDICT[call.verdict] || "off", words(call.verdict));
  const attempts = call.attempts === 1 ? "1 attempt" : `${call.attempts} attempts`;
  const summary = el("summary", {},
    el("time", { datetime: new Date(call.at_unix_ms).toISOString() }, clock(call.at_unix_ms)),
    el("span", { class: "status" }, call.status === null ? "–" : String(call.status)),
    verdict.node,
    el("span", { class: "request" }, `${call.method} ${call.path}`),
    el("span", { class: "place" }, el("span", { class: "where" }, call.upstream),
      el("span", { class: "detail" }, call.reason === null ? "" : ` ${words(call.reason)}`)),
    el("span", { class: "number", title: attempts, "aria-label": attempts }, `×${call.attempts}`),
    el("span", { class: "number" }, duration(call.duration_ms)));
  const node = el("details", {}, summary);
  // Trails are built when they are first asked for: fifty of them are a lot of page.
  node.addEventListener("toggle", () => node.append(trail(call)), { once: true });
  return node;
}

function trail(call) {
  const steps = call.trail.map((step) => el("li", {},
    el("span", { class: "number" }, latency(step.at_ms)),
    el("strong", {}, words(step.step)),
    el("span", { class: "detail" }, step.detail)));
  const dropped = call.trail_dropped > 0 ? `${call.trail_dropped} further decisions were not kept. ` : "";
  return el("div", { class: "trail" }, el("ol", {}, ...steps),
    el("p", { class: "quiet" }, `${dropped}Route ${call.route}, request id `, el("code", {}, call.id)));
}
