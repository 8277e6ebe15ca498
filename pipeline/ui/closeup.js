// A part of both pictures at 200 % beside the whole, around a place: the last click, that of the address, or where the
// repaint is worst. `page.js` calls `enlarge` whenever something has changed, and `part` for the address of the view.
window.bitbrush = {};
(() => {
  const SCALE = 2;
  const STEP = 0.25;  // of a part, by which an arrow key moves it
  const STILL = 4;  // pixels that a click may move
  const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

  const find = (selector) => document.querySelector(selector);
  const set = (element, name, value) => { if (element.getAttribute(name) !== value) element.setAttribute(name, value); };
  const within = (share) => Math.min(1, Math.max(0, share));

  const asked = new URLSearchParams(location.search).get("at") ?? "";
  let open = asked !== "none";
  let chosen = /^[\d.]+,[\d.]+$/.test(asked) ? asked.split(",").map(Number).map(within) : null;
  if (chosen?.some(Number.isNaN)) chosen = null;

  const place = () => {
    const box = find("#captions [data-box]")?.dataset.box.split(",").map(Number);
    return chosen ?? (box ? [box[0] + box[2] / 2, box[1] + box[3] / 2] : [0.5, 0.5]);
  };
  // Pictures that are still painted may be shown reduced.
  const sizeOf = ({naturalWidth, naturalHeight}) =>
    find("#captions [data-size]")?.dataset.size.split(",").map(Number) ?? [naturalWidth, naturalHeight];
  const choose = (shares) => {
    chosen = shares && shares.map(within);
    bitbrush.schedule();
  };

  // Where a part of `room` pixels lies on a picture of `size` pixels, along one axis.
  const startOf = (share, room, size) =>
    room >= size ? (size - room) / 2 : Math.round(Math.min(size - room, Math.max(0, share * size - room / 2)));

  const frame = () => {
    const stage = find("#compare");
    if (!stage.querySelector(":scope > .frame")) {
      stage.append(Object.assign(document.createElement("div"), {className: "frame"}));
    }
    return stage.querySelector(":scope > .frame");
  };

  const enlarge = () => {
    const images = [...document.querySelectorAll("#compare img")];
    const parts = [...document.querySelectorAll("#closeup .part")];
    if (parts.length < 2 || images.length < 2) return;
    const box = find("#closer input");
    if (box && !box.dataset.asked) {
      box.dataset.asked = "yes";
      if (box.checked !== open) box.click();
    }
    set(find("#stage"), "data-closeup", open ? "open" : "closed");
    if (!open || !images[0].naturalWidth || !images[0].checkVisibility()) return;
    const captions = document.querySelectorAll("#captions .left, #captions .right");
    parts.forEach((part, index) => {
      const {src} = images[index];
      const [width, height] = sizeOf(images[index]).map((side) => SCALE * side);
      const [left, top] = [startOf(place()[0], part.clientWidth, width), startOf(place()[1], part.clientHeight, height)];
      const name = `${(captions[index]?.textContent ?? "").split(/[,(]/)[0].trim()} at 200 %`;
      set(part, "style", `background: url("${src}") ${-left}px ${-top}px / ${width}px ${height}px no-repeat`);
      set(part, "aria-label", `${name}; arrow keys move the part`);
      if (part.nextElementSibling.textContent !== name) part.nextElementSibling.textContent = name;
      if (index) return;
      const [whole, stage] = [images[0].getBoundingClientRect(), find("#compare").getBoundingClientRect()];
      const {clientLeft, clientTop} = find("#compare");
      const scale = whole.width / width;
      set(frame(), "style", [
        ["left", whole.left - stage.left - clientLeft + Math.max(0, left) * scale],
        ["top", whole.top - stage.top - clientTop + Math.max(0, top) * scale],
        ["width", Math.min(width, part.clientWidth) * scale],
        ["height", Math.min(height, part.clientHeight) * scale],
      ].map(([side, value]) => `${side}: ${Math.round(value)}px`).join("; "));
    });
  };

  const part = () => open ? chosen ? `&at=${chosen.map((share) => share.toFixed(3))}` : "" : "&at=none";
  const closer = (checked) => {
    open = checked;
    bitbrush.schedule();
  };
  Object.assign(window.bitbrush, {enlarge, part, closer});

  let pressed = [0, 0];
  document.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
  document.addEventListener("pointerup", (event) => {
    const {target, clientX, clientY} = event;
    if (!target.closest("#compare") || target.closest("button, a, [data-testid='slider']")) return;
    if (Math.hypot(clientX - pressed[0], clientY - pressed[1]) > STILL) return;
    const {left, top, width, height} = find("#compare img").getBoundingClientRect();
    choose([(clientX - left) / width, (clientY - top) / height]);
  }, true);

  document.addEventListener("click", (event) => {
    if (event.target.closest("#worst")) choose(null);
  });

  document.addEventListener("keydown", (event) => {
    const [right, down] = ARROWS[event.key] ?? [];
    const box = event.target.closest("#closeup .part");
    if (right === undefined || !box) return;
    event.preventDefault();
    const [width, height] = sizeOf(find("#compare img"));
    const way = [right * box.clientWidth / width, down * box.clientHeight / height];
    choose(place().map((share, axis) => share + STEP * way[axis] / SCALE));
  });
})();
