/* Draws every chart of a page from the specification that lies inside its container. No other host is asked. */
(function () {
  "use strict";
  const drawn = new Map(); // container -> { result, spec, target }
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

  /* The page knows whether it is dark; text and lines of a chart take the page's colours. */
  function pageConfig() {
    const style = getComputedStyle(document.body);
    const text = style.getPropertyValue("--pst-color-text-base").trim() || style.color;
    const muted = style.getPropertyValue("--pst-color-text-muted").trim() || text;
    return {
      background: "transparent",
      font: style.fontFamily,
      axis: { labelColor: text, titleColor: text, domainColor: muted, tickColor: muted, gridColor: muted },
      legend: { labelColor: text, titleColor: text },
      header: { labelColor: text, titleColor: text },
      title: { color: text, subtitleColor: muted },
      text: { color: text },
      rule: { color: muted },
    };
  }

  function merged(spec) {
    const copy = JSON.parse(JSON.stringify(spec));
    delete copy.$schema; // the bundle's own version draws it
    const config = (copy.config = copy.config || {});
    const page = pageConfig();
    for (const key of Object.keys(page)) {
      const value = page[key];
      config[key] = typeof value === "object" ? Object.assign({}, value, config[key]) : value;
    }
    return copy;
  }

  /* On a narrow page a chart is drawn narrower, its title on several lines, instead of being cut off. */
  function fitted(spec, room) {
    const margins = 130; // axis on the left, labels at the lines' ends on the right
    if (typeof spec.width !== "number" || spec.width + margins <= room) return spec;
    spec.width = Math.max(150, room - margins);
    if (typeof spec.title === "string") spec.title = lines(spec.title, Math.floor(room / 9));
    return spec;
  }

  function lines(text, most) {
    return text.split(" ").reduce(function (done, word) {
      const last = done.length - 1;
      if (last >= 0 && (done[last] + " " + word).length <= most) done[last] += " " + word;
      else done.push(word);
      return done;
    }, []);
  }

  /* Values of the reader's sliders and menus, kept when the chart is drawn again in other colours. */
  function boundValues(target) {
    return Array.from(target.querySelectorAll(".vega-bind input, .vega-bind select")).map(function (field) {
      return field.type === "checkbox" || field.type === "radio" ? field.checked : field.value;
    });
  }

  function restore(target, values) {
    target.querySelectorAll(".vega-bind input, .vega-bind select").forEach(function (field, i) {
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

  async function draw(container) {
    const before = drawn.get(container);
    const spec = before ? before.spec : JSON.parse(container.querySelector("script").textContent);
    const target = before ? before.target : document.createElement("div");
    const values = before ? boundValues(target) : [];
    if (before && before.result) before.result.finalize();
    if (!before) {
      target.className = "ovbook-chart-drawn";
      container.appendChild(target);
    }
    drawn.set(container, { spec: spec, target: target, result: null });
    const result = await window.ovbookEmbed(target, fitted(merged(spec), container.clientWidth), {
      renderer: "svg",
      mode: "vega-lite",
      actions: { export: true, source: false, compiled: false, editor: false },
    });
    drawn.set(container, { spec: spec, target: target, result: result });
    container.classList.add("is-drawn");
    restore(target, values);
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

  let queue = Promise.resolve();
  function again() {
    queue = queue.then(drawAll, drawAll);
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
  new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
})();
