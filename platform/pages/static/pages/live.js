// How does a page follow its unfinished generations? By server-sent events; the card itself always comes from the server.

const MOST_STREAMS = 3; // browsers open six connections to a server, for all tabs together
const RETRY_MS = 3000;
const SHORTLY_SECONDS = 5;
const COUNT_DOWN_MS = 5000;
const streams = new Map(); // card id -> EventSource

function follow() {
  const unfinished = oldestFirst();
  const followed = document.hidden ? [] : unfinished.slice(0, MOST_STREAMS);
  for (const id of streams.keys()) if (!followed.some((card) => card.id === id)) drop(id);
  for (const card of followed) if (!streams.has(card.id)) open(card);
  recount();
}

function oldestFirst() {
  return [...document.querySelectorAll("[data-events]")].reverse(); // which is how they end
}

function open(card) {
  const stream = new EventSource(card.dataset.events);
  streams.set(card.id, stream);
  stream.addEventListener("progress", (event) => show(card.id, JSON.parse(event.data)));
  stream.addEventListener("preview", (event) => develop(card.id, JSON.parse(event.data)));
  stream.addEventListener("done", () => renew(card.id));
  stream.addEventListener("error", () => {
    // A broken connection is opened again by the browser; a refusal is final, and then we ask for the card instead.
    if (stream.readyState === EventSource.CLOSED) setTimeout(renew, RETRY_MS, card.id);
  });
}

function drop(id) {
  streams.get(id)?.close();
  streams.delete(id);
}

function show(id, job) {
  const card = document.getElementById(id);
  if (!card?.dataset.events) return drop(id); // a press of Cancel was faster
  if (job.status !== card.dataset.status) return renew(id);
  const { step, steps } = job.progress;
  fill(card, "[data-step]", step);
  fill(card, "[data-position]", job.queue?.position);
  expect(card, job.queue?.eta_p50);
  recount();
  if (steps) {
    fill(card, "[data-steps]", steps);
    Object.assign(card.querySelector("progress"), { max: steps, value: step });
  }
}

// A look at an unfinished picture takes the place of the paper. Drawn, because the page may load pictures from us alone.
async function develop(id, { index, image }) {
  const bytes = Uint8Array.from(atob(image.split(",")[1]), (letter) => letter.charCodeAt(0));
  const look = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const paper = document.getElementById(id)?.querySelectorAll(".print")[index]?.querySelector("svg, canvas");
  if (!paper) return; // the picture itself was faster
  const [width, height] = [paper.getAttribute("width"), paper.getAttribute("height")];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.setAttribute("aria-hidden", "true");
  canvas.getContext("2d").drawImage(look, 0, 0, width, height);
  paper.replaceWith(canvas);
}

function fill(card, place, value) {
  const element = card.querySelector(place);
  if (element && value !== undefined) element.textContent = value;
}

// When a waiting card will be done is told now and then; in between the time runs.
function expect(card, eta) {
  const element = card.querySelector("[data-eta]");
  if (!element) return;
  if (eta !== undefined) element.dataset.eta = eta ?? "";
  element.textContent = element.dataset.eta ? doneIn((Date.parse(element.dataset.eta) - Date.now()) / 1000) : "";
}

function doneIn(seconds) {
  if (seconds < SHORTLY_SECONDS) return ", done in a few seconds";
  const [size, unit] = seconds < 90 ? [1, "s"] : seconds < 90 * 60 ? [60, "min"] : [3600, "h"];
  return `, done in about ${Math.round(seconds / size)} ${unit}`;
}

// The queue's order is the page's: whoever nobody tells their place waits behind the one before. What is told counts
// more, for generations of batches wait too and are not on the page.
function recount() {
  if (!document.getElementById("jobs")) return;
  let place = 0;
  for (const card of oldestFirst().filter((card) => card.dataset.status === "queued")) {
    const told = streams.has(card.id) && Number(card.querySelector("[data-position]")?.textContent);
    place = told || place + 1;
    fill(card, "[data-position]", place);
  }
}

function renew(id) {
  drop(id);
  const card = document.getElementById(id);
  if (card?.dataset.card) htmx.ajax("GET", card.dataset.card, { target: card, swap: "outerHTML" });
}

function announce(card) {
  if (card.dataset.status && !card.dataset.events) {
    document.getElementById("announcement").textContent = card.getAttribute("aria-label");
  }
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.matches(".card")) announce(event.target);
  follow();
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.elt.id === "composer") document.querySelector("#jobs .card")?.scrollIntoView({ block: "nearest" });
});
setInterval(() => document.querySelectorAll(".card.queued").forEach((card) => expect(card)), COUNT_DOWN_MS);
document.addEventListener("visibilitychange", follow);
window.addEventListener("pagehide", () => streams.forEach((_, id) => drop(id)));
window.addEventListener("pageshow", follow);
