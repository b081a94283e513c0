"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const one = (query, root = document) => root.querySelector(query);

  // --- panels: a link to one opens it --------------------------------------------------------
  const openPanel = (id) => {
    const panel = document.getElementById(id);
    if (panel && panel.matches("details.op")) {
      panel.hidden = false;
      panel.open = true;
    }
  };
  const followHash = () => openPanel(location.hash.slice(1));
  window.addEventListener("hashchange", followHash);
  followHash();

  // --- the list of ops: search and severities ------------------------------------------------
  const filter = one("#filter");
  if (filter) {
    const panels = all("details.op").map((panel) =>
      ({ panel, text: one("summary", panel).textContent.toLowerCase() }));
    const apply = () => {
      const words = one("input[type=search]", filter).value.toLowerCase().split(/\s+/);
      const wanted = new Set(all("input:checked", filter).map((box) => box.value));
      let shown = 0;
      for (const { panel, text } of panels) {
        panel.hidden = !wanted.has(panel.dataset.s) || !words.every((w) => text.includes(w));
        shown += panel.hidden ? 0 : 1;
      }
      one("output", filter).textContent = `${shown} of ${panels.length} shown`;
    };
    filter.hidden = false;
    filter.addEventListener("input", apply);
    filter.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }

  // --- the graph: zoom, pan, choose ----------------------------------------------------------
  const svg = one("#graph");
  if (!svg) return;
  const stage = one("#stage");
  const dock = one("#dock");
  const whole = svg.viewBox.baseVal;
  const extent = { x: whole.x, y: whole.y, w: whole.width, h: whole.height };
  let view = { ...extent };
  const nodes = new Map(all(".node", svg).map((node) => {
    const box = one(".box", node).getBBox();
    return [node.dataset.n, { node, x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  }));
  stage.classList.add("live");
  one(".bar", stage).hidden = false;

  const show = (next) => {
    view = next;
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
  };
  const scale = () => {  // drawing units per pixel
    const area = svg.getBoundingClientRect();
    return Math.max(view.w / area.width, view.h / area.height);
  };
  const toDrawing = (clientX, clientY) => {
    const area = svg.getBoundingClientRect();
    const s = scale();
    return {
      x: view.x + view.w / 2 + (clientX - area.left - area.width / 2) * s,
      y: view.y + view.h / 2 + (clientY - area.top - area.height / 2) * s,
    };
  };
  const zoom = (factor, at = { x: view.x + view.w / 2, y: view.y + view.h / 2 }) => {
    const w = Math.min(extent.w * 1.5, Math.max(220, view.w * factor));
    const f = w / view.w;
    show({ x: at.x - (at.x - view.x) * f, y: at.y - (at.y - view.y) * f, w, h: view.h * f });
  };
  const centre = (n, unitsPerPixel) => {
    const at = nodes.get(String(n));
    if (!at) return;
    const area = svg.getBoundingClientRect();
    const s = unitsPerPixel ?? Math.min(scale(), 0.8);
    const hidden = dock.hidden ? 0 : dock.offsetWidth * s;
    const w = area.width * s;
    const h = area.height * s;
    show({ x: at.x - w / 2 + hidden / 2, y: at.y - h / 2, w, h });
  };

  const choose = (n) => {
    const chosen = nodes.get(String(n));
    if (!chosen) return;
    all(".chosen", svg).forEach((node) => node.classList.remove("chosen"));
    chosen.node.classList.add("chosen");
    for (const edge of all(".edge", svg)) {
      edge.classList.toggle("near", edge.dataset.e.split("-").includes(String(n)));
    }
    const panel = one(`#op-${n} .panel`);
    one(".inside", dock).replaceChildren(panel.cloneNode(true));
    dock.hidden = false;
    dock.scrollTop = 0;
    rove(n);
  };
  const close = () => {
    dock.hidden = true;
    all(".chosen, .near", svg).forEach((each) => each.classList.remove("chosen", "near"));
  };

  // One stop for the Tab key; arrows walk from there.
  let current = null;
  const rove = (n) => {
    if (current !== null) nodes.get(current).node.setAttribute("tabindex", "-1");
    current = String(n);
    nodes.get(current).node.setAttribute("tabindex", "0");
  };
  nodes.forEach(({ node }) => node.setAttribute("tabindex", "-1"));
  const originButton = one("[data-do=origin]", stage);
  if (nodes.size) rove(originButton ? originButton.dataset.n : nodes.keys().next().value);

  const neighbour = (n, dx, dy) => {
    const from = nodes.get(n);
    let best = null;
    let least = Infinity;
    for (const [other, at] of nodes) {
      const along = (at.x - from.x) * dx + (at.y - from.y) * dy;
      const aside = Math.abs((at.x - from.x) * dy) + Math.abs((at.y - from.y) * dx);
      const cost = along + 2.5 * aside;
      if (along > 1 && cost < least) [best, least] = [other, cost];
    }
    return best;
  };
  const intoView = (n) => {
    const at = nodes.get(n);
    const inside = at.x > view.x && at.x < view.x + view.w && at.y > view.y && at.y < view.y + view.h;
    if (!inside) centre(n, scale());
  };

  let dragged = false;
  const fingers = new Map();
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.x;
    const dy = event.clientY - before.y;
    if (!dragged && Math.hypot(dx, dy) < 4) return;
    if (!dragged) {
      dragged = true;
      svg.setPointerCapture(event.pointerId);
      svg.classList.add("moving");
    }
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length) {
      const other = others[0];
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      const is = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      zoom(was / Math.max(1, is), toDrawing(other.x, other.y));
    } else {
      const s = scale();
      show({ ...view, x: view.x - dx * s, y: view.y - dy * s });
    }
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  const release = (event) => {
    fingers.delete(event.pointerId);
    if (!fingers.size) svg.classList.remove("moving");
  };
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.002), toDrawing(event.clientX, event.clientY));
  }, { passive: false });
  svg.addEventListener("click", (event) => {
    const node = event.target.closest(".node");
    if (node) event.preventDefault();
    if (dragged) {
      dragged = false;
    } else if (node) {
      choose(node.dataset.n);
    } else {
      close();
    }
  });

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = event.target.closest(".node");
    if (event.key === "Escape" && !dock.hidden) {
      close();
      nodes.get(current).node.focus({ preventScroll: true });
    } else if (event.key === "+" || event.key === "=") {
      zoom(0.8);
    } else if (event.key === "-") {
      zoom(1.25);
    } else if (event.key === "0") {
      show({ ...extent });
    } else if (node && arrows[event.key]) {
      const next = neighbour(node.dataset.n, ...arrows[event.key]);
      if (next !== null) {
        rove(next);
        intoView(next);
        nodes.get(next).node.focus({ preventScroll: true });
        if (!dock.hidden) choose(next);
      }
    } else {
      return;
    }
    event.preventDefault();
  });
  one(".close", dock).addEventListener("click", close);
  one(".tools", stage).addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const todo = button.dataset.do;
    if (todo === "in") zoom(0.7);
    if (todo === "out") zoom(1.43);
    if (todo === "fit") show({ ...extent });
    if (todo === "origin") {
      choose(button.dataset.n);
      centre(button.dataset.n, 0.8);
    }
  });

  // Names of ops in the text lead to the graph; in the list below they lead to the panel.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.ref");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.closest("#ops")) {
      openPanel(`op-${link.dataset.n}`);
      return;
    }
    event.preventDefault();
    choose(link.dataset.n);
    centre(link.dataset.n);
    if (!link.closest("#stage")) stage.scrollIntoView({ block: "center" });
  });
})();
