// Makes and changes elements. All text goes through textContent, so nothing that the gateway says
// can become markup; and nothing is touched that has not changed, so focus and selection stay.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function byId(id) {
  return document.getElementById(id);
}

// Brings the children of `parent` into the order of `nodes` with as few moves as needed.
export function setChildren(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const node of nodes) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
}

// Signs that tell the tones apart without colour.
const SIGNS = { good: "●", warn: "◐", bad: "▲", off: "○" };

export function chip() {
  const sign = el("span", { class: "sign", "aria-hidden": "true" });
  const text = el("span");
  const node = el("span", { class: "chip" }, sign, text);
  return { node, set: (tone, words) => setChip(node, sign, text, tone, words) };
}

function setChip(node, sign, text, tone, words) {
  setAttribute(node, "class", `chip ${tone}`);
  setText(sign, SIGNS[tone]);
  setText(text, words);
}
