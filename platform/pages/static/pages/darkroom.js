// What do all pages do by themselves? Theme, copying, keys, dice, and saying when the server refuses.

const toast = document.getElementById("toast");
let toastEnds = 0;

function say(sentence) {
  toast.textContent = sentence;
  toast.hidden = false;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => { toast.hidden = true; }, 8000);
}

function toggleTheme() {
  const theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
}

async function copy(button) {
  // The clipboard belongs to secure addresses only; on any other, selecting the text is the next best.
  const source = document.getElementById(button.dataset.copy);
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(source.textContent);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  } else {
    getSelection().selectAllChildren(source);
  }
}

function rollSeed(button) {
  const [seed] = crypto.getRandomValues(new Uint32Array(1));
  document.getElementById(button.dataset.dice).value = seed;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-toggle], [data-copy], [data-dice]");
  if (!button) return;
  if ("themeToggle" in button.dataset) toggleTheme();
  if ("copy" in button.dataset) copy(button);
  if ("dice" in button.dataset) rollSeed(button);
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest("form");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (event.target.closest("input, textarea, select") || event.altKey || event.ctrlKey || event.metaKey) return;
  const turn = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (turn) document.querySelector(`a[rel=${turn}]`)?.click();
});

// A form that is sent again has no errors until the server says so.
document.addEventListener("htmx:beforeRequest", (event) => {
  for (const error of event.target.querySelectorAll(".errorlist, .notice.error")) error.remove();
  for (const field of event.target.querySelectorAll(".wrong")) field.classList.remove("wrong");
  for (const input of event.target.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
});

document.addEventListener("htmx:afterSettle", (event) => event.target.querySelector("[aria-invalid=true]")?.focus());

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const plain = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  if (plain) say(xhr.responseText);
  else if (xhr.status === 413) say("That is more than may be sent at once. Choose a smaller picture.");
  else say("Something broke on our side. Try again in a moment.");
});

document.addEventListener("htmx:sendError", () => say("Darkroom cannot be reached. Check the connection and try again."));
