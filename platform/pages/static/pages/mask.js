// How is a mask painted? With strokes over the start picture, in its own pixels; the form sends them as a file, white on black.

const STEP = 0.5; // of the brush, for each press of an arrow key

class Painter {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.pen = this.canvas.getContext("2d");
    this.ring = root.querySelector(".ring");
    this.brush = root.querySelector("#brush");
    const part = root.closest("#start");
    this.file = part.querySelector("[name=mask_file]");
    this.known = part.querySelector("[name=mask]");
    this.mode = part.querySelector("[name=mask_mode]");
    this.strength = part.querySelector("[name=strength]");
    this.before = { id: this.known.value, mode: this.mode.value }; // of a mask that was here already
    this.marks = []; // strokes, and "clear"; each can be undone
    this.base = null;
    this.place = { x: this.canvas.width / 2, y: this.canvas.height / 2 };
    this.listen();
    if (this.canvas.dataset.mask) this.openBase();
  }

  listen() {
    const { canvas, root } = this;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.end());
    canvas.addEventListener("pointerleave", () => { this.ring.hidden = document.activeElement !== canvas; });
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("focus", () => this.point(this.place));
    canvas.addEventListener("blur", () => { this.ring.hidden = true; });
    root.querySelector("[data-undo]").addEventListener("click", () => this.undo());
    root.querySelector("[data-clear]").addEventListener("click", () => this.add("clear"));
    this.file.addEventListener("change", () => this.takeFile());
  }

  get size() { return (this.brush.value / 100) * Math.max(this.canvas.width, this.canvas.height); }

  at(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / frame.width;
    return { x: (event.clientX - frame.left) * scale, y: (event.clientY - frame.top) * scale };
  }

  begin(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.point(this.at(event));
    this.stroke = { size: this.size, points: [this.place] };
    this.marks.push(this.stroke);
    this.trace(this.stroke);
  }

  move(event) {
    this.point(this.at(event));
    if (!this.stroke) return;
    const { size, points } = this.stroke;
    const last = points.at(-1);
    const passed = event.getCoalescedEvents?.() ?? [];
    points.push(...(passed.length ? passed : [event]).map((each) => this.at(each)));
    this.trace({ size, points: points.slice(points.indexOf(last)) });
  }

  end() {
    if (this.stroke) this.keep();
    this.stroke = null;
  }

  press(event) {
    const far = this.size * STEP;
    const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
    if (way) this.point({ x: this.place.x + way[0], y: this.place.y + way[1] });
    else if (event.key === " ") this.add({ size: this.size, points: [this.place] });
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
  }

  point({ x, y }) {
    const { width, height, clientWidth } = this.canvas;
    this.place = { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
    const scale = clientWidth / width;
    const side = `${this.size * scale}px`;
    this.ring.hidden = false;
    Object.assign(this.ring.style, { width: side, height: side, left: `${this.place.x * scale}px`, top: `${this.place.y * scale}px` });
  }

  add(mark) {
    this.marks.push(mark);
    this.draw();
    this.keep();
  }

  undo() {
    this.marks.pop();
    this.draw();
    this.keep();
  }

  takeFile() { // somebody chose one instead
    this.marks = [];
    this.base = null;
    this.before.id = this.known.value = "";
    this.draw();
    this.tell(this.file.files.length > 0, "The file is the mask.");
  }

  draw() {
    const { pen, canvas } = this;
    const marks = this.marks.slice(this.marks.lastIndexOf("clear") + 1);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (this.base && marks.length === this.marks.length) pen.drawImage(this.base, 0, 0);
    for (const mark of marks) this.trace(mark);
  }

  trace({ size, points }) {
    const { pen } = this;
    pen.strokeStyle = pen.fillStyle = getComputedStyle(this.canvas).getPropertyValue("--safelight-high");
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = size;
    pen.beginPath();
    pen.arc(points[0].x, points[0].y, size / 2, 0, 2 * Math.PI); // a line without length draws nothing
    pen.fill();
    pen.beginPath();
    pen.moveTo(points[0].x, points[0].y);
    for (const { x, y } of points) pen.lineTo(x, y);
    pen.stroke();
  }

  // Puts what is painted into the form. At once, not in a callback: whoever presses Generate next must send it.
  keep() {
    const cleared = this.marks.lastIndexOf("clear");
    const isPainted = this.marks.length > cleared + 1;
    const isUntouched = this.marks.length === 0;
    const file = isPainted ? [this.asFile()] : [];
    const carrier = new DataTransfer();
    for (const each of file) carrier.items.add(each);
    this.file.files = carrier.files;
    this.known.value = isUntouched ? this.before.id : "";
    this.mode.value = isUntouched ? this.before.mode : "white";
    const isMask = isPainted || (isUntouched && this.before.id !== "");
    this.tell(isMask, "What is painted is drawn anew.");
  }

  tell(isMask, words) {
    this.root.querySelector("[data-painted]").textContent = isMask ? words : "";
    const usual = isMask ? this.root.dataset.strengthMasked : this.root.dataset.strengthPlain;
    this.strength.placeholder = usual;
    if (this.strength.value === "") document.getElementById("strength-slider").value = usual;
  }

  asFile() {
    const { width, height } = this.canvas;
    const sheet = Object.assign(document.createElement("canvas"), { width, height });
    const pen = sheet.getContext("2d");
    pen.drawImage(this.canvas, 0, 0);
    for (const [rule, colour] of [["source-in", "white"], ["destination-over", "black"]]) {
      pen.globalCompositeOperation = rule;
      pen.fillStyle = colour;
      pen.fillRect(0, 0, width, height);
    }
    const bytes = Uint8Array.from(atob(sheet.toDataURL("image/png").split(",")[1]), (letter) => letter.charCodeAt(0));
    return new File([bytes], "painted.png", { type: "image/png" });
  }

  // Shows a mask that the form came with, whichever way it is meant, as if it had been painted.
  async openBase() {
    const picture = Object.assign(new Image(), { src: this.canvas.dataset.mask });
    await picture.decode();
    const { width, height } = this.canvas;
    const sheet = Object.assign(document.createElement("canvas"), { width, height });
    const pen = sheet.getContext("2d");
    pen.drawImage(picture, 0, 0, width, height);
    const pixels = pen.getImageData(0, 0, width, height);
    const { data } = pixels;
    for (let place = 3; place < data.length; place += 4) {
      data[place] = this.before.mode === "white" ? (data[place - 3] * data[place]) / 255 : 255 - data[place];
    }
    pen.putImageData(pixels, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = getComputedStyle(this.canvas).getPropertyValue("--safelight-high");
    pen.fillRect(0, 0, width, height);
    this.base = sheet;
    this.draw();
    if (this.marks.length) this.keep(); // somebody was faster
  }
}

function begin() {
  for (const root of document.querySelectorAll("[data-painter]:not([data-ready])")) {
    root.dataset.ready = "";
    new Painter(root);
  }
}

document.addEventListener("htmx:afterSettle", begin);
document.addEventListener("htmx:oobAfterSwap", begin);
begin();
