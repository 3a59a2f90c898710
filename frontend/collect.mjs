// Copies the few front-end files that the pages use out of node_modules into the portal's static
// folder (git-ignored, part of the wheel). USWDS ships a complete style sheet with three font
// families; we keep its components and icons and set everything in Public Sans.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { outlines } from "./outlines.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const uswds = join(root, "node_modules", "@uswds", "uswds", "dist");
const vendor = join(root, "src", "gentie", "portal", "static", "vendor");

const FONTS = [
  "public-sans/PublicSans-Regular.woff2",
  "public-sans/PublicSans-Italic.woff2",
  "public-sans/PublicSans-SemiBold.woff2",
  "public-sans/PublicSans-Bold.woff2",
  "roboto-mono/roboto-mono-v5-latin-regular.woff2",
];
// A photograph for a marketing banner: no page of ours has one.
const DROPPED_IMAGES = new Set(["../img/hero.jpg"]);

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

rmSync(vendor, { recursive: true, force: true });

for (const font of FONTS) {
  copy(join(uswds, "fonts", font), join(vendor, "fonts", font.split("/").pop()));
}

const images = new Set();
let css = readFileSync(join(uswds, "css", "uswds.min.css"), "utf8");
css = css
  .replace(/@font-face\{[^}]*\}/g, "") // ours are declared in gentie/type.css
  .replace(/\/\*# sourceMappingURL=.*?\*\//g, "") // the map is not shipped
  .replaceAll("Source Sans Pro Web", "Public Sans")
  .replaceAll("Merriweather Web", "Public Sans")
  .replaceAll("Roboto Mono Web", "Roboto Mono")
  .replace(/url\(([^)]*)\)/g, (whole, quoted) => {
    const path = quoted.replaceAll(/["']/g, "").split("?")[0];
    if (path === "") return whole; // a feature query, not an address
    if (DROPPED_IMAGES.has(path)) return "none";
    if (!path.startsWith("../img/")) throw new Error(`unexpected address in USWDS: ${path}`);
    images.add(path.slice("../img/".length));
    return whole;
  });
for (const image of images) copy(join(uswds, "img", image), join(vendor, "img", image));
mkdirSync(join(vendor, "css"), { recursive: true });
writeFileSync(join(vendor, "css", "uswds.css"), css);

// MapLibre: a module and its worker. Pictures inside its style sheet are of buttons that we draw
// ourselves, and the content policy refuses them.
const maplibre = join(root, "node_modules", "maplibre-gl", "dist");
const withoutMap = (text) => text.replace(/\/\/# sourceMappingURL=.*\n?/g, "");
mkdirSync(join(vendor, "js"), { recursive: true });
for (const [from, to] of [
  ["maplibre-gl.mjs", "maplibre-gl.js"],
  ["maplibre-gl-worker.mjs", "maplibre-gl-worker.js"],
]) {
  const text = readFileSync(join(maplibre, from), "utf8");
  if (/(?:from|import)\s*["']\.\//.test(text)) throw new Error(`${from} is no longer one file`);
  writeFileSync(join(vendor, "js", to), withoutMap(text));
}
writeFileSync(
  join(vendor, "css", "maplibre-gl.css"),
  readFileSync(join(maplibre, "maplibre-gl.css"), "utf8")
    .replace(/\/\*# sourceMappingURL=.*?\*\//g, "")
    .replace(/url\((?:'data:[^']*'|"data:[^"]*"|data:[^)]*)\)/g, "none"),
);

mkdirSync(join(vendor, "map"), { recursive: true });
writeFileSync(
  join(vendor, "map", "outlines.json"),
  outlines(join(root, "node_modules", "us-atlas", "counties-10m.json")),
);

const script = readFileSync(join(uswds, "js", "uswds.min.js"), "utf8");
writeFileSync(join(vendor, "js", "uswds.js"), withoutMap(script));

console.log(
  `front end: style sheet, script, map, outlines, ${FONTS.length} fonts, ${images.size} icons`,
);
