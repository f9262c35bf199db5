// Collects errors of the scripts where a test, and a person with an inspector, can read them.
// It stands alone and is loaded first, so that it also sees a module that does not load.

const root = document.documentElement;

function note(text) {
  const known = root.dataset.errors ? root.dataset.errors + "\n" : "";
  // Bounded: an error that comes with every poll must not fill the page.
  root.dataset.errors = (known + text).slice(0, 4096);
}

window.addEventListener("error", (event) => {
  const target = event.target;
  const address = target && (target.src || target.href);
  note(event.message || `not loaded: ${address}`);
}, true);
window.addEventListener("unhandledrejection", (event) => note(String(event.reason)));
