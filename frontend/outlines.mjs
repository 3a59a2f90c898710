// Outlines of states and counties for the map: us-atlas (public data of the U.S. Census Bureau) as
// one small file. Every border is kept once, with what it divides, so nothing is drawn twice; the
// page puts the land together from the borders that it is made of.
//
//   { scale, translate, arcs: [[x0, y0, dx, dy, …], …], kinds: [0 county | 1 state | 2 coast, …],
//     land: [[arc, arc, …], …] }      an arc ~n is arc n the other way round, as in TopoJSON
import { readFileSync } from "node:fs";

/** The compact outlines as text. */
export function outlines(source) {
  const atlas = JSON.parse(readFileSync(source, "utf8"));
  const index = (arc) => (arc < 0 ? ~arc : arc);
  const rings = (geometry) =>
    geometry.type === "Polygon" ? geometry.arcs : geometry.arcs.flat();
  const states = new Map();
  for (const state of atlas.objects.states.geometries) {
    for (const arc of rings(state).flat().map(index)) states.set(arc, (states.get(arc) ?? 0) + 1);
  }
  const coast = new Set();
  // Only outer rings: an island of water inside the land is left out.
  const outer = atlas.objects.nation.geometries.flatMap((nation) =>
    nation.type === "Polygon" ? [nation.arcs[0]] : nation.arcs.map((polygon) => polygon[0]),
  );
  for (const arc of outer.flat().map(index)) coast.add(arc);
  return JSON.stringify({
    scale: atlas.transform.scale,
    translate: atlas.transform.translate,
    arcs: atlas.arcs.map((arc) => arc.flat()),
    kinds: atlas.arcs.map((_, arc) => (coast.has(arc) ? 2 : states.has(arc) ? 1 : 0)),
    land: outer,
  });
}
