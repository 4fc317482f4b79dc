// How is a LoRA put on? Its slider and its number are one value, and its trigger words go into the prompt with a click.

const promptField = () => document.getElementById("id_prompt");

function has(word) {
  return promptField().value.toLowerCase().includes(word.toLowerCase());
}

function put(word) {
  const field = promptField();
  const said = field.value.trimEnd().replace(/,$/, "");
  if (!has(word)) field.value = said ? `${said}, ${word}` : word;
  field.focus();
  mark();
}

function mark() {
  for (const button of document.querySelectorAll("[data-word]")) button.classList.toggle("said", has(button.dataset.word));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-word]");
  if (button) put(button.dataset.word);
});

document.addEventListener("input", (event) => {
  if (event.target === promptField()) mark();
  const weight = event.target.closest(".weight");
  if (!weight) return;
  for (const input of weight.querySelectorAll("input")) if (input !== event.target) input.value = event.target.value;
});

// Enter looks for a LoRA here, and asks for pictures everywhere else.
document.addEventListener("keydown", (event) => {
  const isPlain = !event.ctrlKey && !event.metaKey;
  if (event.key === "Enter" && isPlain && event.target.matches("[name=find]")) event.preventDefault();
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "loras") return;
  [...event.target.querySelectorAll("[name=lora_weight]")].at(-1)?.focus();
  mark();
});

if (promptField()) mark();
