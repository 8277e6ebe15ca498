// Keys, the worst region, the address of the view; alternative texts and hard pixels where pictures are enlarged.
// `bitbrush` holds what the page's events call by name: each takes the inputs of its event and returns the outputs.
(() => {
  const TYPING = 'textarea, select, [contenteditable="true"], input:not([type="range"], [type="radio"], [type="checkbox"])';
  const TAKES_SPACE = `${TYPING}, button, a, summary, [role="tab"], input:is([type="radio"], [type="checkbox"])`;
  const NUDGE = 0.05;  // of the width by which an arrow key moves the divider
  const REGION_SHARE = 0.75;  // of the frame that the worst region fills
  const WHEEL_FACTOR = 1.05;  // by which the slider zooms at every turn of the wheel

  const NO_PICTURE =
    "No picture came from the clipboard; copy one and press Ctrl+V, allow the page to read it, or choose a file.";

  const find = (selector) => document.querySelector(selector);
  // In its own task: when the divider has moved, the slider swallows the clicks of its page until a timer of its runs.
  const press = (selector) => setTimeout(() => {
    const button = find(selector);
    if (button && !button.disabled) button.click();
  });

  const handle = () => find('#compare [data-testid="slider"]');
  let leftByKey = false;  // whether the last key chose the left picture

  const toResult = (...inputs) => {
    const result = find("#result");
    result.tabIndex = -1;
    result.focus({preventScroll: true});
    if (innerWidth < 800) result.scrollIntoView({behavior: "smooth"});
    return inputs;
  };
  let again = false;  // whether a run is to begin as soon as it can
  const whenFree = () => {
    const button = find("#run, #decode");
    if (!again) return;
    if (button.disabled) return void setTimeout(whenFree, 100);
    again = false;
    button.click();
  };
  const runAgain = () => {
    if (again) return;
    again = true;
    whenFree();
  };
  const KEEP = {__type__: "update"};
  let unstopped = null;  // the status before Stop was pressed, perhaps too late to stop anything
  const stopping = () => {
    again = false;
    unstopped = find("#status .prose")?.innerHTML ?? null;
    return ["<p>Stopping …</p>", {...KEEP, interactive: false}];
  };
  const takeOver = (photo, shown, viewed) =>
    photo && photo.path === viewed?.photo ? [shown, viewed.status ?? KEEP] : [KEEP, KEEP];
  const screen = (kind, dark, narrow, run) => [kind, document.body.classList.contains("dark"), innerWidth < 800, run];
  const screenIfSeen = (kind, dark, narrow, run) =>
    find("#kind")?.checkVisibility() ? screen(kind, dark, narrow, run) : [kind, null, narrow, run];
  const choose = (side) => (left, right) => leftByKey ? [side, right] : [left, side];
  const swap = (left, right) => [right, left];
  Object.assign(window.bitbrush, {toResult, runAgain, stopping, takeOver, screen, screenIfSeen, choose, swap});

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !handle()?.checkVisibility()) return;
    // Digits by their place, for some layouts write them with Shift; letters by what they write, where it is Latin.
    const letter = /^[a-z]$/i.test(event.key) ? event.key.toUpperCase() : /^Key([A-Z])$/.exec(event.code)?.[1];
    const digit = /^Digit(\d)$/.exec(event.code)?.[1] ?? (event.code.startsWith("Numpad") ? event.key : "");
    const choice = /^(?:\d|[UX])$/.test(digit) ? digit : /^[UX]$/.test(letter ?? "") ? letter : null;
    const direction = {ArrowLeft: -1, ArrowRight: 1}[event.code];
    if (direction && event.target.matches("body, #result, [data-testid='slider']")) {
      event.preventDefault();
      nudge(direction);
      return;
    }
    if (!find("#keys input")?.checked) return;  // speech input types characters that nobody meant as keys
    if (!event.repeat && (event.code === "Space" || choice) && !event.target.closest(choice ? TYPING : TAKES_SPACE)) {
      event.preventDefault();
      leftByKey = event.shiftKey;
      press(choice ? `#key-${choice}` : "#swap");
    }
  });

  // Number fields drop a comma, which makes 3 of "0,3".
  document.addEventListener("beforeinput", (event) => {
    if (!event.data?.includes(",") || !event.target.matches("input[type='number']")) return;
    event.preventDefault();
    document.execCommand("insertText", false, event.data.replaceAll(",", "."));
  }, true);

  // Gradio's own pasting empties the photo where there is no picture to paste, and its dropping knows few formats.
  const PICTURE = /\.(?:a?png|jpe?g?|jfif|webp|avif|gif|bmp|tiff?|p[bgpnf]m|hei[cf]|hif|jxl)$/i;
  const isPicture = (file) => file.type.startsWith("image/") || PICTURE.test(file.name);
  const give = (files) => {
    const [picture, input] = [[...files].find(isPicture), find("#photo input[type='file']")];
    if (!picture || !input) return false;
    const transfer = new DataTransfer();
    transfer.items.add(picture);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
    return true;
  };
  const swallow = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const picturesOfClipboard = async () => {
    const items = await navigator.clipboard.read();
    return Promise.all(items.flatMap((item) => item.types.filter((type) => type.startsWith("image/")).map(
      async (type) => new File([await item.getType(type)], `clipboard.${type.slice(6)}`, {type}))));
  };
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.(TYPING) || !handle()?.checkVisibility()) return;
    if (give(event.clipboardData?.files ?? [])) swallow(event);
  }, true);
  document.addEventListener("drop", (event) => {
    if (event.target.closest?.("#photo") && give(event.dataTransfer?.files ?? [])) swallow(event);
  }, true);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#photo [aria-label='Paste from clipboard']")) return;
    swallow(event);
    picturesOfClipboard().then(give).catch(() => false).then((given) => {
      const status = find("#status .prose");
      if (!given && status) status.innerHTML = `<p>${NO_PICTURE}</p>`;
    });
  }, true);

  // Gradio uploads what its editor holds, three files, whenever any status on the page changes; once is enough.
  const EDITED = /^(?:background|composite|layer_\d+)\.png$/;
  const ANSWER_KEPT = 20 * 60 * 1000;  // milliseconds, fewer than the server keeps uploads
  const answers = new Map();
  const send = window.fetch;
  const fingerprint = async (file) => {
    let hash = 0x811c9dc5;  // FNV-1a
    for (const byte of new Uint8Array(await file.arrayBuffer())) hash = Math.imul(hash ^ byte, 0x01000193);
    return `${file.name} ${file.size} ${hash}`;
  };
  window.fetch = async (resource, options) => {
    const files = options?.body instanceof FormData ? options.body.getAll("files") : [];
    if (files.length !== 1 || !EDITED.test(files[0].name)) return send(resource, options);
    const key = await fingerprint(files[0]);
    const known = answers.get(key);
    if (known && Date.now() - known.time < ANSWER_KEPT) return known.answer.then((answer) => answer.clone());
    const answer = send(resource, options);
    answers.set(key, {time: Date.now(), answer});
    answer.then((given) => given.ok || answers.delete(key), () => answers.delete(key));
    return answer.then((given) => given.clone());
  };

  // Divider, zoom and pan belong to Gradio's slider, which takes them from the mouse only.
  const mouse = (kind, target, x, y, more) => target.dispatchEvent(
    new (kind === "wheel" ? WheelEvent : MouseEvent)(kind,
      {clientX: x, clientY: y, view: window, bubbles: true, cancelable: true, ...more}));

  const nudge = (direction) => {
    const {left, top, width, height} = handle().getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const way = direction * NUDGE * find("#compare .slider-wrap, #compare img").getBoundingClientRect().width;
    mouse("mousedown", handle(), x, y);
    mouse("mousemove", window, x + way, y);
    mouse("mouseup", window, x + way, y);
  };

  const zoomTo = ([left, top, width, height]) => {
    const image = find("#compare img");
    find("#compare button")?.click();  // undoes the zoom; its name is in the browser's language
    requestAnimationFrame(() => setTimeout(() => {
      const frame = image.getBoundingClientRect();
      const x = frame.left + (left + width / 2) * frame.width;
      const y = frame.top + (top + height / 2) * frame.height;
      const turns = Math.floor(Math.log(REGION_SHARE / Math.max(width, height)) / Math.log(WHEEL_FACTOR));
      for (let turn = 0; turn < turns; turn++) mouse("wheel", image, x, y, {deltaY: -1});
      mouse("mousedown", image, x, y);
      mouse("mousemove", document, frame.left + frame.width / 2, frame.top + frame.height / 2);
      mouse("mouseup", document, frame.left + frame.width / 2, frame.top + frame.height / 2);
    }, 120));
  };

  document.addEventListener("click", (event) => {
    if (!event.target.closest("#worst")) return;
    const box = find("#captions [data-box]")?.dataset.box;
    if (box) zoomTo(box.split(",").map(Number));
  });

  // The slider forgets its zoom whenever a picture loads; one of the same size does not concern it.
  const sizes = new WeakMap();
  document.addEventListener("load", (event) => {
    const image = event.target;
    if (!(image instanceof HTMLImageElement) || !image.closest("#compare")) return;
    const size = `${image.naturalWidth} ${image.naturalHeight}`;
    if (sizes.get(image) === size) event.stopImmediatePropagation();
    sizes.set(image, size);
  }, true);

  // What screen readers hear: how a run ended, not each of its steps.
  const told = Object.assign(document.createElement("p"), {id: "told", role: "status"});
  const tell = () => {
    if (!told.isConnected) document.body.append(told);
    const status = find("#status .prose");
    if (status && !status.querySelector("progress") && told.textContent !== status.textContent) {
      told.textContent = status.textContent;
    }
  };

  let lastRequest = "";
  const describe = () => {
    const captions = [...document.querySelectorAll("#captions .left, #captions .right")];
    document.querySelectorAll("#compare img").forEach((image, index) => {
      const alt = captions[index]?.textContent ?? "";
      if (image.alt !== alt) image.alt = alt;
      const enlarged = image.getBoundingClientRect().width * devicePixelRatio > 2 * image.naturalWidth;
      if (image.classList.contains("enlarged") !== enlarged) image.classList.toggle("enlarged", enlarged);
    });
    document.querySelectorAll("#examples button img").forEach((image) => {
      const name = decodeURIComponent(image.src.split("/").pop()).replace(/\.\w+$/, "");
      if (image.alt !== name) image.alt = name;
    });
    const picker = find("#photo input[type='file']");
    if (picker && !picker.accept.includes(".jxl")) {
      picker.accept = "image/*,.apng,.avif,.heic,.heif,.hif,.jfif,.jpe,.jxl,.pbm,.pfm,.pgm,.pnm,.ppm,.tif,.tiff";
    }
    const divider = handle();
    if (divider) {
      const [middle, frame] = [divider.getBoundingClientRect(), find("#compare .slider-wrap").getBoundingClientRect()];
      const share = Math.round(100 * (middle.left + middle.width / 2 - frame.left) / frame.width);
      const meaning = {
        role: "separator", tabindex: 0, "aria-orientation": "vertical", "aria-valuenow": share,
        "aria-label": "Divider between left and right; arrow keys move it",
      };
      for (const [name, value] of Object.entries(meaning)) {
        if (divider.getAttribute(name) !== String(value)) divider.setAttribute(name, value);
      }
    }
    const request = captions[0]?.dataset.press ?? "";
    if (request !== lastRequest) {
      lastRequest = request;
      if (request) press(`#${request.split(" ")[0]}`);
    }
    bitbrush.enlarge();
    const [button, status] = [find("#run, #decode"), find("#status .prose")];
    if (unstopped !== null && button && !button.disabled) {
      if (status?.textContent.startsWith("Stopping")) status.innerHTML = unstopped;
      unstopped = null;
    }
    tell();
    const worst = find("#worst");
    if (worst) worst.disabled = !captions[0]?.dataset.box;
    const query = captions[0]?.dataset.query;
    const address = query && query + bitbrush.part();
    const share = find("#share");
    if (address === undefined || !share || share.getAttribute("href") === (address || "?")) return;
    share.href = address || "?";
    share.hidden = !address;
    const own = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("__"));  // Gradio's
    const more = String(new URLSearchParams(own));
    const search = address && more ? `${address}&${more}` : address || (more && `?${more}`);
    history.replaceState(null, "", search || location.pathname);
  };

  let scheduled = false;
  const schedule = bitbrush.schedule = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; describe(); });
  };
  new MutationObserver(schedule).observe(document.documentElement, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["src", "style", "disabled", "data-press", "data-query", "data-box"],
  });
  addEventListener("resize", schedule);
})();
