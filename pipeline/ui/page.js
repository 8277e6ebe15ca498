// Space swaps left and right; pictures get alternative texts and hard pixels where they are enlarged.
(() => {
  const TYPING = 'textarea, select, button, a, summary, [contenteditable="true"], input:not([type="range"], [type="radio"])';

  document.addEventListener("keydown", (event) => {
    if (event.code !== "Space" || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest(TYPING)) return;
    const swap = document.querySelector("#swap");
    if (!swap || swap.disabled) return;
    event.preventDefault();
    swap.click();
  });

  const describe = () => {
    const images = document.querySelectorAll("#compare img");
    const names = [...document.querySelectorAll("#captions .left, #captions .right")].map((name) => name.textContent);
    images.forEach((image, index) => {
      const alt = names[index] ?? "";
      if (image.alt !== alt) image.alt = alt;
      const enlarged = image.getBoundingClientRect().width * devicePixelRatio > 2 * image.naturalWidth;
      if (image.classList.contains("enlarged") !== enlarged) image.classList.toggle("enlarged", enlarged);
    });
    document.querySelectorAll("#examples button img").forEach((image) => {
      const name = decodeURIComponent(image.src.split("/").pop()).replace(/\.\w+$/, "");
      if (image.alt !== name) image.alt = name;
    });
  };

  let scheduled = false;
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; describe(); });
  };
  new MutationObserver(schedule).observe(document.documentElement, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["src", "style"],
  });
  addEventListener("resize", schedule);
})();
