// The head of the page: which gateway this is, and whether it still answers.

import { byId, chip, el, setChildren, setText } from "./dom.js";
import { clock, count, duration, words } from "./format.js";

const STATE = { serving: "good", starting: "warn", draining: "warn" };
const FACTS = ["version", "generation", "uptime", "connections", "workers"];

const state = chip();
const facts = Object.fromEntries(FACTS.map((name) => [name, el("dd")]));
setChildren(byId("state"), [state.node]);
setChildren(byId("facts"), FACTS.map((name) => el("div", {}, el("dt", {}, name), facts[name])));

export function showGateway(status) {
  setText(byId("name"), status.name);
  document.title = `${status.name} · Seawall`;
  state.set(STATE[status.state] || "off", words(status.state));
  setText(facts.version, status.version);
  setText(facts.generation, count(status.generation));
  setText(facts.uptime, duration(status.uptime_ms));
  setText(facts.connections, count(status.connections));
  setText(facts.workers, count(status.workers));
  byId("alarm").hidden = true;
  document.body.classList.remove("stale");
}

// `since` is when it last answered, null if it never did; `now` likewise in milliseconds.
export function showSilence(since, now, why) {
  const text = since === null ? "The gateway does not answer."
    : `The gateway has not answered since ${clock(since)}. What is shown is from then.`;
  state.set("bad", "no answer");
  setText(byId("alarm-text"), text);
  const age = since === null ? "" : `${duration(Math.max(1000, now - since))} ago. `;
  setText(byId("alarm-age"), `${age}Trying again every second. (${why})`);
  byId("alarm").hidden = false;
  document.body.classList.add("stale");
  document.title = "no answer · Seawall";
}
