/* Draws every chart of a page from the specification that lies inside its container, and gives its sliders words.
   No other host is asked. Colours of text and lines are the page's own CSS variables, so a chart follows the page
   into the dark and onto paper without being drawn again. */
(function () {
  "use strict";
  const drawn = new Map(); // container -> { spec, target, result }
  const WAIT = 350; // a screen reader speaks once a slider has come to rest
  let loading = null;

  function loadBundle() {
    if (window.ovbookEmbed) return Promise.resolve();
    if (loading) return loading;
    loading = new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      const root = document.documentElement.getAttribute("data-content_root") || "./";
      script.src = root + "_vendor/ovbook-vega.js";
      script.onload = resolve;
      script.onerror = function () { reject(new Error("the chart library beside this page is missing")); };
      document.head.appendChild(script);
    });
    return loading;
  }

  const PAGE = { text: "var(--ovbook-ink)", muted: "var(--ovbook-ink-muted)", background: "transparent" };
  const PAPER = { text: "#1f2328", muted: "#59636e", background: "#ffffff" }; // a saved picture has no page

  function config(ink) {
    return {
      background: ink.background,
      font: getComputedStyle(document.body).fontFamily,
      axis: { labelColor: ink.text, titleColor: ink.text, domainColor: ink.muted, tickColor: ink.muted, gridColor: ink.muted },
      legend: { labelColor: ink.text, titleColor: ink.text },
      header: { labelColor: ink.text, titleColor: ink.text },
      title: { color: ink.text, subtitleColor: ink.muted },
      text: { color: ink.text },
      rule: { color: ink.muted },
    };
  }

  function merged(spec, ink) {
    const copy = JSON.parse(JSON.stringify(spec));
    delete copy.$schema; // the bundle's own version draws it
    const given = (copy.config = copy.config || {});
    const ours = config(ink);
    for (const key of Object.keys(ours)) {
      given[key] = typeof ours[key] === "object" ? Object.assign({}, given[key], ours[key]) : ours[key];
    }
    return copy;
  }

  const pen = document.createElement("canvas").getContext("2d");

  /* Words in lines that fit `room` pixels, whatever lines they came in. */
  function wrapped(text, room, font) {
    const words = (Array.isArray(text) ? text.join(" ") : String(text)).split(/\s+/).filter(Boolean);
    pen.font = font;
    return words.reduce(function (done, word) {
      const last = done.length - 1;
      const longer = last >= 0 ? done[last] + " " + word : word;
      if (last >= 0 && pen.measureText(longer).width <= room) done[last] = longer;
      else done.push(word);
      return done;
    }, []);
  }

  /* A chart takes the width of its page, up to what it was made for; its titles are set in as many lines as that
     needs. Charts side by side keep their size and scroll inside their own frame. */
  function fitted(spec, room) {
    const single = spec.mark || spec.layer;
    const most = typeof spec.width === "number" ? spec.width + 150 : 700;
    const width = Math.max(240, Math.min(room, most));
    if (single && typeof spec.width === "number") {
      spec.width = width;
      spec.autosize = { type: "fit-x", contains: "padding" };
      spec.padding = { left: 2, right: 2, top: 5, bottom: 5 };
    }
    if (width < 480) {
      spec.config = spec.config || {};
      spec.config.legend = Object.assign({ columns: 1 }, spec.config.legend);
    }
    if (spec.title) {
      if (typeof spec.title !== "object" || Array.isArray(spec.title)) spec.title = { text: spec.title };
      const look = (spec.config && spec.config.title) || {};
      const family = spec.config.font || "sans-serif";
      const line = single ? width : room;
      spec.title.text = wrapped(spec.title.text, line - 8, (look.fontWeight || 600) + " " + (look.fontSize || 15) + "px " + family);
      if (spec.title.subtitle) {
        spec.title.subtitle = wrapped(spec.title.subtitle, line - 8, (look.subtitleFontSize || 12) + "px " + family);
      }
    }
    return spec;
  }

  function fields(target) {
    return Array.from(target.querySelectorAll(".vega-bind input, .vega-bind select"));
  }

  /* Values of the reader's sliders and menus, kept when the chart is drawn again at another width. */
  function boundValues(target) {
    return fields(target).map(function (field) {
      return field.type === "checkbox" || field.type === "radio" ? field.checked : field.value;
    });
  }

  function restore(target, values) {
    fields(target).forEach(function (field, i) {
      if (values[i] === undefined) return;
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked !== values[i]) field.click();
      } else if (field.value !== values[i]) {
        field.value = values[i];
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  }

  /* Each slider gets a name and its value in words, beside the handle and for those who hear the page. */
  function wordSliders(target, view, sliders) {
    for (const signal of Object.keys(sliders)) {
      const input = fields(target).find(function (field) { return field.name === signal; });
      if (!input) continue;
      const note = sliders[signal];
      const bare = input.nextElementSibling; // Vega's own number, without a unit
      if (bare) bare.remove();
      const now = document.createElement("span");
      now.className = "ovbook-now";
      now.setAttribute("aria-hidden", "true"); // the input itself says it
      input.insertAdjacentElement("afterend", now);
      input.setAttribute("aria-label", note.label);
      const tell = function () {
        const words = note.values[view.signal(note.index)];
        now.textContent = words;
        input.setAttribute("aria-valuetext", words);
      };
      tell();
      view.addSignalListener(note.index, tell);
    }
  }

  /* The sentence about what is shown now, written into the live region when the reader has stopped moving. */
  function announce(container, view, says) {
    const region = container.querySelector(".ovbook-says");
    if (!region) return;
    const write = function () {
      const words = String(view.signal(says.signal));
      const cut = words.lastIndexOf("\n");
      const head = cut < 0 ? "" : words.slice(0, cut);
      const body = words.slice(cut + 1);
      if (region.textContent === head + body) return; // nothing new: nothing to say
      const parts = [];
      if (head) parts.push(Object.assign(document.createElement("strong"), { textContent: head }));
      parts.push(Object.assign(document.createElement("span"), { textContent: body }));
      region.replaceChildren.apply(region, parts);
    };
    let waiting = 0;
    view.addSignalListener(says.signal, function () {
      clearTimeout(waiting);
      waiting = setTimeout(write, WAIT);
    });
    write();
  }

  function notesOf(spec) {
    return (spec.usermeta && spec.usermeta.ovbook) || {};
  }

  function embed(target, spec, renderer) {
    return window.ovbookEmbed(target, spec, { renderer: renderer, mode: "vega-lite", actions: false });
  }

  async function draw(container) {
    const before = drawn.get(container);
    const spec = before ? before.spec : JSON.parse(container.querySelector('script[type="application/json"]').textContent);
    const target = before ? before.target : document.createElement("div");
    const values = before ? boundValues(target) : [];
    const held = before ? fields(target).indexOf(document.activeElement) : -1;
    target.style.minHeight = target.offsetHeight + "px"; // the text below stays where it is while the chart is away
    if (before && before.result) before.result.finalize();
    if (!before) {
      target.className = "ovbook-chart-drawn";
      target.style.height = "0"; // until it is drawn the words keep its place
      target.style.overflow = "hidden";
      container.insertBefore(target, container.querySelector(".ovbook-says, .ovbook-numbers, script"));
    }
    drawn.set(container, { spec: spec, target: target, result: null });
    const result = await embed(target, fitted(merged(spec, PAGE), target.clientWidth || 640), "svg");
    drawn.set(container, { spec: spec, target: target, result: result, blind: !target.clientWidth });
    container.classList.add("is-drawn");
    target.style.height = target.style.overflow = "";
    const notes = notesOf(spec);
    wordSliders(target, result.view, notes.sliders || {});
    restore(target, values);
    await result.view.runAsync();
    if (notes.says) announce(container, result.view, notes.says);
    if (held >= 0 && fields(target)[held]) fields(target)[held].focus();
    target.style.minHeight = "";
    offerPictures(container);
  }

  /* Saving works from the keyboard: a real button, and the picture is made when it is pressed. */
  function offerPictures(container) {
    container.querySelectorAll(".ovbook-save").forEach(function (button) {
      if (!button.hidden) return;
      button.hidden = false;
      button.addEventListener("click", function () {
        button.setAttribute("aria-busy", "true");
        save(container, button.dataset.kind).catch(function (error) {
          console.error("ovbook: a picture could not be saved:", error);
        }).finally(function () { button.removeAttribute("aria-busy"); });
      });
    });
  }

  async function save(container, kind) {
    await queue; // a chart that is being drawn again has no sliders to read
    const shown = drawn.get(container);
    const paper = document.createElement("div");
    const spec = merged(shown.spec, PAPER);
    const result = await embed(paper, spec, kind === "svg" ? "svg" : "canvas");
    const sliders = notesOf(shown.spec).sliders || {};
    for (const signal of Object.keys(sliders)) result.view.signal(signal, shown.result.view.signal(signal));
    await result.view.runAsync();
    const link = document.createElement("a");
    link.href = await result.view.toImageURL(kind, kind === "png" ? 2 : 1);
    link.download = (container.dataset.name || "chart") + "." + kind;
    link.hidden = true;
    document.body.append(link); // not every browser saves from a link that is nowhere on the page
    link.click();
    link.remove();
    result.finalize();
  }

  function drawAll() {
    const containers = Array.from(document.querySelectorAll(".ovbook-chart"));
    if (!containers.length) return Promise.resolve();
    return loadBundle().then(async function () {
      for (const container of containers) {
        try {
          await draw(container);
        } catch (error) {
          container.classList.add("is-broken"); // the description stays readable
          console.error("ovbook: a chart could not be drawn:", error);
        }
      }
    });
  }

  /* One drawing of the page after another; until the last is done every chart says that it is busy. */
  let queue = Promise.resolve();
  let drawings = 0;
  function again() {
    drawings += 1;
    document.querySelectorAll(".ovbook-chart").forEach(function (chart) { chart.setAttribute("aria-busy", "true"); });
    queue = queue.then(drawAll, drawAll).finally(function () {
      drawings -= 1;
      if (drawings) return;
      document.querySelectorAll(".ovbook-chart").forEach(function (chart) { chart.removeAttribute("aria-busy"); });
    });
  }

  again();
  // A phone that is turned, or a window that is resized, gets charts of its new width.
  let width = document.documentElement.clientWidth;
  let waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      if (document.documentElement.clientWidth === width) return;
      width = document.documentElement.clientWidth;
      again();
    }, 200);
  });
  // A chart inside a closed fold had no width to go by.
  document.addEventListener("toggle", function (event) {
    const inside = event.target.open ? Array.from(event.target.querySelectorAll(".ovbook-chart")) : [];
    if (inside.some(function (chart) { return (drawn.get(chart) || {}).blind; })) again();
  }, true);
})();
