/* Small mends of every page: what the theme leaves unreachable by keyboard, unnamed, or noisy without a server. */
(function () {
  "use strict";

  // From file:// a browser may not fetch the pages that search would quote; the titles that it found are still listed.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  const home = (document.documentElement.getAttribute("data-content_root") || "./") + "_vendor/";

  function load(path, attributes) {
    return new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      for (const name of Object.keys(attributes || {})) script.setAttribute(name, attributes[name]);
      script.src = home + path;
      script.onload = resolve;
      script.onerror = function () { reject(new Error("'" + path + "' beside this page is missing")); };
      document.head.appendChild(script);
    });
  }

  // Widgets weigh 3.7 MB, so they are fetched when the reader comes near the first, after text and charts.
  function loadWidgets() {
    // RequireJS takes its settings from a global of this name; html-manager finds its icons where it came from.
    window.require = { paths: { "@jupyter-widgets": home + "html-manager", "@jupyter-widgets/html-manager/dist": home + "html-manager" } };
    load("requirejs/require.js").then(function () {
      // The attribute says where code of other widgets would be asked for; the build lets none of those through.
      return load("html-manager/embed-amd.js", { "data-jupyter-widgets-cdn": "./" });
    }).catch(function (error) { console.error("ovbook: widgets cannot be shown:", error); });
  }

  const views = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]');
  if (views.length) {
    const near = new IntersectionObserver(function (entries) {
      if (!entries.some(function (entry) { return entry.isIntersecting; })) return;
      near.disconnect();
      loadWidgets();
    }, { rootMargin: "600px 0px" });
    // A script has no place on the page; the cell that holds it has.
    window.addEventListener("load", function () { views.forEach(function (view) { near.observe(view.closest(".cell") || view.parentElement); }); });
  }

  // html-manager's checker remarks on html-manager's own schema at every load; a reader can do nothing about it.
  if (document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]')) {
    const warn = console.warn;
    console.warn = function (first) {
      if (typeof first === "string" && first.startsWith("strict mode: use allowUnionTypes")) return;
      warn.apply(console, arguments);
    };
  }

  // The handles of widgets' sliders carry no name; the words beside them are it.
  function nameHandles() {
    document.querySelectorAll(".widget-slider .noUi-handle:not([aria-label])").forEach(function (handle) {
      const words = handle.closest(".widget-slider").querySelector(".widget-label");
      if (words && words.textContent.trim()) handle.setAttribute("aria-label", words.textContent.trim());
    });
  }
  if (document.querySelector('script[type="application/vnd.jupyter.widget-view+json"]')) {
    new MutationObserver(nameHandles).observe(document.querySelector("main") || document.body, { childList: true, subtree: true });
  }

  // A table wider than its box can be reached and moved by keyboard, and says what it is.
  function reachBoxes() {
    document.querySelectorAll(".bd-article .output.text_html, .bd-article .pst-scrollable-table-container").forEach(function (box) {
      if (!box.querySelector("table")) return;
      if (box.scrollWidth > box.clientWidth + 1) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        if (!box.hasAttribute("aria-label")) {
          const all = document.querySelectorAll(".bd-article table");
          const number = Array.from(all).indexOf(box.querySelector("table")) + 1;
          const caption = box.querySelector("caption");
          box.setAttribute("aria-label", (caption ? caption.textContent.trim() : "Table " + number) + ", scrolls sideways");
        }
      } else if (box.getAttribute("role") === "region") {
        box.removeAttribute("tabindex");
        box.removeAttribute("role");
        box.removeAttribute("aria-label");
      }
    });
  }
  // Where a wide table is cut off its edge fades, since a phone shows no scroll bar; at its end nothing does.
  function fadeEdge(box) {
    box.classList.toggle("ovbook-more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  }
  function fadeEdges() {
    document.querySelectorAll(".bd-article .output.text_html, .bd-article .pst-scrollable-table-container").forEach(function (box) {
      if (!box.querySelector("table")) return;
      fadeEdge(box);
      box.onscroll = function () { fadeEdge(box); };
    });
  }
  function lookAtBoxes() { reachBoxes(); fadeEdges(); }
  lookAtBoxes();
  window.addEventListener("load", lookAtBoxes);
  window.addEventListener("resize", lookAtBoxes);

  // Paper cannot be unfolded: the rule behind each verdict is printed, and closed again for the screen.
  let opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll(".ovbook-verdict details:not([open])"));
    opened.forEach(function (fold) { fold.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (fold) { fold.open = false; });
    opened = [];
  });

  // The arrow that unfolds pages below a page of the contents has no words.
  document.querySelectorAll(".bd-sidebar summary:not([aria-label])").forEach(function (arrow) {
    const above = arrow.closest("li") && arrow.closest("li").querySelector("a");
    if (!arrow.textContent.trim()) arrow.setAttribute("aria-label", "Pages below " + (above ? above.textContent.trim() : "this one"));
  });

  // The search button shows "Search" and a key; its name has to contain both.
  document.querySelectorAll(".search-button-field[aria-label]").forEach(function (button) {
    button.removeAttribute("aria-label");
  });
})();
