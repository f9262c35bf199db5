// The list of changes of state, newest first, followed live.

import { byId, el, setText } from "./dom.js";
import { clock, words } from "./format.js";

const KEPT = 200;
// A browser comes back by itself after a broken stream, but not after a refused one.
const REOPEN_AFTER = 2000;

export function followEvents() {
  const stream = new EventSource("/v1/events");
  let fresh = true;
  stream.addEventListener("open", () => {
    // A new stream starts over with the recent events; a resumed one does not.
    if (fresh) byId("events").replaceChildren();
    fresh = false;
    setText(byId("events-note"), "newest first, live");
  });
  stream.addEventListener("message", (message) => add(row(JSON.parse(message.data))));
  stream.addEventListener("lagged", (message) => add(gap(JSON.parse(message.data).missed)));
  stream.addEventListener("error", () => {
    setText(byId("events-note"), "not connected, trying again");
    if (stream.readyState === EventSource.CLOSED) setTimeout(followEvents, REOPEN_AFTER);
  });
}

function add(node) {
  const list = byId("events");
  list.prepend(node);
  while (list.children.length > KEPT) list.lastElementChild.remove();
  byId("events-empty").hidden = true;
}

function row(event) {
  const where = [event.upstream, event.endpoint].filter((name) => name).join(" ");
  return el("li", {},
    el("time", { datetime: new Date(event.at_unix_ms).toISOString() }, clock(event.at_unix_ms)),
    el("span", { class: "mechanism" }, words(event.mechanism)),
    el("span", { class: "happening" },
      el("strong", {}, words(event.kind)),
      where ? el("span", { class: "where" }, ` ${where}`) : null,
      event.detail ? el("span", { class: "detail" }, ` ${event.detail}`) : null));
}

function gap(missed) {
  const text = missed === 1 ? "1 event was missed" : `${missed} events were missed`;
  return el("li", { class: "gap" }, el("span", { class: "detail" }, text));
}
