// Looks at the gateway every second and hands what it says to the parts of the page.

import { showCalls } from "./calls.js";
import { showUpstreams } from "./cards.js";
import { byId } from "./dom.js";
import { followEvents } from "./events.js";
import { showGateway, showSilence } from "./header.js";
import { History } from "./history.js";

const STATUS_EVERY = 1000;
const CALLS_EVERY = 2000;
const PATIENCE = 3000;

const history = new History();
let answered = null;

async function look() {
  let status;
  try {
    const response = await fetch("/v1/status", { signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) throw new Error(`/v1/status answered ${response.status}`);
    status = await response.json();
  } catch (error) {
    showSilence(answered, Date.now(), why(error));
    return;
  }
  answered = Date.now();
  history.add(status, answered / 1000);
  showGateway(status);
  showUpstreams(status.upstreams, history);
}

// Browsers word these two each in their own way.
function why(error) {
  if (error.name === "TimeoutError") return `no answer within ${PATIENCE / 1000} s`;
  return error instanceof TypeError ? "no connection" : error.message;
}

async function lookAtCalls() {
  try {
    await showCalls();
  } catch {
    // The head of the page tells that the gateway does not answer; once is enough.
  }
}

// The next look begins a fixed time after the last one ended, so a slow gateway is never asked
// twice at once.
async function forever(act, pause) {
  await act();
  setTimeout(() => forever(act, pause), pause);
}

byId("calls-filter").addEventListener("change", lookAtCalls);
forever(look, STATUS_EVERY);
forever(lookAtCalls, CALLS_EVERY);
followEvents();
