// The capacity map: outlines, lines by voltage, points filled by capacity; a click opens the panel.
// Everything that it shows is in the table and on the points' pages too.

const canvas = document.getElementById("capacity-map");
const said = document.querySelector(".g-map__said");
const hover = document.querySelector(".g-map__hover");
const panel = document.getElementById("point");
const filters = document.querySelector("form.g-filters");
const { dataset } = canvas;
const limits = dataset.limits.split(",").map(Number);

let marked = () => {}; // rings a point on the map, once there is one
let latest = 0; // of the points asked for: a late answer to an earlier one is dropped

const UNLIMITED = -1;
const WIRES_KV = [200, 300, 700]; // lower ends of the upper three classes of lines
const MARGIN_DEG = 3; // outlines are drawn this far around the points

async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

const nothing = { type: "FeatureCollection", features: [] };
const feature = (type, coordinates, properties) => ({
  type: "Feature",
  geometry: { type, coordinates },
  properties,
});
const step = (ends, value) => ends.filter((end) => value >= end).length;

/** Arcs of the outlines as degrees: each begins at a place and goes on by steps. */
function arcsOf(outlines) {
  const [sx, sy] = outlines.scale;
  const [tx, ty] = outlines.translate;
  return outlines.arcs.map((flat) => {
    const line = [];
    let x = 0;
    let y = 0;
    for (let at = 0; at < flat.length; at += 2) {
      x += flat[at];
      y += flat[at + 1];
      line.push([x * sx + tx, y * sy + ty]);
    }
    return line;
  });
}

function outlinesAround(outlines, [west, south, east, north]) {
  const arcs = arcsOf(outlines);
  const isNear = (line) =>
    line.some(
      ([x, y]) =>
        x > west - MARGIN_DEG && x < east + MARGIN_DEG && y > south - MARGIN_DEG && y < north + MARGIN_DEG,
    );
  const borders = [[], [], []];
  arcs.forEach((line, arc) => {
    if (isNear(line)) borders[outlines.kinds[arc]].push(line);
  });
  const land = outlines.land
    .map((ring) =>
      ring.flatMap((arc, place) => {
        const line = arc < 0 ? arcs[~arc].toReversed() : arcs[arc];
        return place ? line.slice(1) : line;
      }),
    )
    .filter(isNear);
  return {
    land: feature("MultiPolygon", land.map((ring) => [ring]), {}),
    borders: {
      type: "FeatureCollection",
      features: borders.map((lines, kind) => feature("MultiLineString", lines, { kind })),
    },
  };
}

function pointsOf(data) {
  return data.bus.map((_, entry) => ({
    entry,
    bus: data.bus[entry],
    name: data.name[entry],
    kv: data.kv[data.level[entry]],
    area: data.area[entry],
    mw: data.mw[entry],
    place: [data.lon[entry] / data.steps, data.lat[entry] / data.steps],
  }));
}

/** The same question as the table's filters ask, of a point that is studied. */
function isAsked(point) {
  const asked = Object.fromEntries(new FormData(filters));
  if (asked.kv && point.kv !== Number(asked.kv)) return false;
  if (asked.area && point.area !== Number(asked.area)) return false;
  if (asked.least && point.mw !== UNLIMITED && point.mw < Number(asked.least)) return false;
  const name = point.name.toLowerCase();
  return (asked.words ?? "")
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => name.includes(word) || word === String(point.bus));
}

const dotsOf = (points) => ({
  type: "FeatureCollection",
  features: points.map(({ entry, place, mw, kv }) =>
    feature("Point", place, { entry, shade: mw === UNLIMITED ? limits.length : step(limits, mw), kv }),
  ),
});

function linesOf(data, points) {
  const classes = [[], [], [], []];
  data.from.forEach((from, entry) => {
    classes[step(WIRES_KV, data.kv[data.level[entry]])].push([
      points[from].place,
      points[data.to[entry]].place,
    ]);
  });
  return {
    type: "FeatureCollection",
    features: classes.map((lines, wire) => feature("MultiLineString", lines, { wire })),
  };
}

function boundsOf(points) {
  const bounds = [180, 90, -180, -90];
  for (const { place } of points) {
    bounds[0] = Math.min(bounds[0], place[0]);
    bounds[1] = Math.min(bounds[1], place[1]);
    bounds[2] = Math.max(bounds[2], place[0]);
    bounds[3] = Math.max(bounds[3], place[1]);
  }
  return bounds;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const byStep = (property, prefix, count) => [
  "match",
  ["get", property],
  ...Array.from({ length: count - 1 }, (_, at) => [at, colour(`${prefix}${at}`)]).flat(),
  colour(`${prefix}${count - 1}`),
];
// Sizes grow with the voltage, and with the zoom.
const sized = (factor) => [
  "interpolate",
  ["linear"],
  ["zoom"],
  4,
  ["*", factor, ["step", ["get", "kv"], 1.8, 200, 2.6, 300, 3.2, 700, 4.2]],
  9,
  ["*", factor, ["step", ["get", "kv"], 4.5, 200, 6.5, 300, 8.5, 700, 11]],
];

/** What depends on the colours of the page, light or dark. */
function paints() {
  return {
    sea: { "background-color": colour("--map-sea") },
    land: { "fill-color": colour("--map-land"), "fill-antialias": false },
    borders: {
      "line-color": ["match", ["get", "kind"], 0, colour("--map-county"), colour("--map-state")],
      "line-width": ["match", ["get", "kind"], 0, 0.6, 1.1],
    },
    lines: {
      "line-color": byStep("wire", "--wire-", 4),
      "line-width": [
        "interpolate",
        ["linear"],
        ["zoom"],
        4,
        ["match", ["get", "wire"], 3, 1.6, 2, 1, 1, 0.8, 0.45],
        9,
        ["match", ["get", "wire"], 3, 4, 2, 3, 1, 2.2, 1.4],
      ],
      "line-opacity": 0.8,
    },
    others: {
      "circle-color": colour("--map-unstudied"),
      "circle-radius": sized(0.55),
      "circle-opacity": 0.75,
    },
    points: {
      "circle-color": byStep("shade", "--ramp-", 7),
      "circle-radius": sized(1),
      "circle-stroke-color": colour("--map-rim"),
      "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 4, 0.25, 9, 1.1],
    },
    chosen: {
      "circle-color": "rgba(0, 0, 0, 0)",
      "circle-radius": sized(1.35),
      "circle-stroke-color": colour("--focus"),
      "circle-stroke-width": 3,
    },
  };
}

const LAYERS = [
  ["land", "fill"],
  ["borders", "line"],
  ["lines", "line"],
  ["others", "circle"],
  ["points", "circle"],
  ["chosen", "circle"],
];

function style(sources) {
  const paint = paints();
  const geojson = (data, more = {}) => ({ type: "geojson", data, buffer: 16, maxzoom: 9, ...more });
  return {
    version: 8,
    sources: {
      land: geojson(sources.land),
      borders: geojson(sources.borders),
      lines: geojson(sources.lines),
      others: geojson(sources.others),
      points: geojson(sources.points),
      chosen: geojson(nothing),
    },
    layers: [
      { id: "sea", type: "background", paint: paint.sea },
      ...LAYERS.map(([id, type]) => ({ id, type, source: id, paint: paint[id] })),
    ],
  };
}

function words(point) {
  const about = `${point.name || point.bus} · ${point.kv} kV`;
  if (point.mw === null) return `${about} · ${dataset.unstudied}`;
  if (point.mw === UNLIMITED) return `${about} · ${dataset.unlimited}`;
  const mw = point.mw.toLocaleString("en-US", { minimumFractionDigits: 1 });
  return `${about} · ${mw} MW`;
}

async function draw() {
  const [maplibre, outlines, pointData, lineData] = await Promise.all([
    import(dataset.maplibre),
    read(dataset.outlines),
    read(dataset.points),
    dataset.lines ? read(dataset.lines) : null,
  ]);
  maplibre.setWorkerUrl(new URL(dataset.worker, location.href).href);

  const points = pointsOf(pointData);
  const studied = points.filter((point) => point.mw !== null);
  const shown = studied.filter(isAsked);
  const isFiltered = shown.length < studied.length;
  const whole = boundsOf(studied.length ? studied : points);
  const bounds = isFiltered && shown.length ? boundsOf(shown) : whole;

  const map = new maplibre.Map({
    container: canvas,
    style: style({
      ...outlinesAround(outlines, boundsOf(points)),
      lines: lineData ? linesOf(lineData, points) : nothing,
      others: dotsOf(points.filter((point) => point.mw === null)),
      points: dotsOf(shown),
    }),
    bounds,
    fitBoundsOptions: { padding: 24, maxZoom: 10 },
    maxZoom: 13,
    minZoom: 2.5,
    renderWorldCopies: false,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    cooperativeGestures: true,
    fadeDuration: 0,
    locale: { "Map.Title": dataset.label },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();

  map.once("idle", () => {
    dataset.state = "drawn";
    dataset.ms = Math.round(performance.now()); // since the page was asked for
    dataset.drawn = `${points.length} points, ${lineData ? lineData.from.length : 0} paths`;
    said.hidden = true;
    document.querySelector(".g-map__buttons").hidden = false;
  });

  const near = (at) => {
    const box = [
      [at.x - 4, at.y - 4],
      [at.x + 4, at.y + 4],
    ];
    const [found] = map.queryRenderedFeatures(box, { layers: ["points"] });
    const [other] = found ? [found] : map.queryRenderedFeatures(box, { layers: ["others"] });
    return other ? points[other.properties.entry] : null;
  };
  map.on("mousemove", ({ point: at }) => {
    const point = map.loaded() ? near(at) : null;
    hover.hidden = !point;
    map.getCanvas().style.cursor = point && point.mw !== null ? "pointer" : "";
    if (!point) return;
    hover.textContent = words(point);
    const isRight = at.x > canvas.clientWidth / 2;
    hover.style.transform = `translate(${at.x + (isRight ? -12 : 12)}px, ${at.y + 12}px)${isRight ? " translateX(-100%)" : ""}`;
  });
  map.on("mouseout", () => {
    hover.hidden = true;
  });
  map.on("click", ({ point: at }) => {
    const point = near(at);
    if (point && point.mw !== null) open(point.bus);
  });

  const busOf = new Map(points.map((point) => [point.bus, point]));
  marked = (bus) => {
    const point = busOf.get(bus);
    if (!point) return;
    map.getSource("chosen").setData(dotsOf([point]));
    if (!map.getBounds().contains(point.place)) map.panTo(point.place);
  };
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.zoom === "in") map.zoomIn();
      else if (button.dataset.zoom === "out") map.zoomOut();
      else map.fitBounds(whole, { padding: 24 });
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [layer, paint] of Object.entries(paints())) {
      for (const [name, value] of Object.entries(paint)) map.setPaintProperty(layer, name, value);
    }
  });
}




/** Fill the panel with a point; with MW, with everything that they impact. */
async function open(bus, mw = "") {
  const mine = ++latest;
  marked(bus);
  const address = dataset.panel.replace("/0/", `/${bus}/`);
  panel.setAttribute("aria-busy", "true");
  const button = panel.querySelector("button");
  if (mw && button) button.textContent = dataset.reading;
  try {
    const answer = await fetch(mw ? `${address}?mw=${encodeURIComponent(mw)}` : address);
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (mine !== latest) return;
    panel.innerHTML = text;
    const form = panel.querySelector("form");
    panel.scrollTop = mw && form ? form.offsetTop - panel.offsetTop - 48 : 0;
    const heading = mw ? panel.querySelector("#mw") : panel.querySelector("#point-name");
    heading?.focus({ preventScroll: innerWidth > 900 });
  } catch {
    if (mine === latest) panel.replaceChildren(dataset.unread);
  } finally {
    if (mine === latest) panel.removeAttribute("aria-busy");
  }
}

panel.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-bus]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(Number(link.dataset.bus));
});
panel.addEventListener("submit", (event) => {
  const { bus } = event.target.dataset;
  if (!bus) return;
  event.preventDefault();
  open(Number(bus), new FormData(event.target).get("mw"));
});

draw().catch((failure) => {
  dataset.state = "failed";
  said.textContent = dataset.failed;
  said.hidden = false;
  console.warn(`The map could not be drawn: ${failure.message}`);
});
