/* What every page shares: the language, numbers, the outlines on which maps are drawn, charts that follow. */
window.clearway = (function () {
  "use strict";
  var root = document.documentElement;
  var data = JSON.parse(document.getElementById("data").textContent);
  var charts = [], told = [];
  function lang() { return root.dataset.lang; }
  function number(x) { return x === null ? "–" : Number(x).toLocaleString(lang() === "zh" ? "zh-CN" : "en-GB"); }
  function escape(text) { var e = document.createElement("i"); e.textContent = text; return e.innerHTML; }
  function lines(geometry) {
    if (geometry.type === "LineString") { return [geometry.coordinates]; }
    return geometry.coordinates;
  }
  function base() {
    var o = data.outlines;
    if (!o) {
      var box = data.points.length ? { w: 180, e: -180, s: 90, n: -90 } : { w: 0, e: 1, s: 0, n: 1 };
      data.points.forEach(function (p) {
        box.w = Math.min(box.w, p.at[0] - 1); box.e = Math.max(box.e, p.at[0] + 1);
        box.s = Math.min(box.s, p.at[1] - 1); box.n = Math.max(box.n, p.at[1] + 1);
      });
      return { features: [{ type: "Feature", properties: { name: "area" }, geometry: { type: "Polygon",
        coordinates: [[[box.w, box.s], [box.e, box.s], [box.e, box.n], [box.w, box.n], [box.w, box.s]]] } }], provinces: [], dashed: [] };
    }
    var prefectures = topojson.feature(o.prefecture, o.prefecture.objects.prefecture).features;
    var provinces = topojson.feature(o.province, o.province.objects.province).features;
    var have = {};
    prefectures.forEach(function (f) { have[f.properties.code.slice(0, 2)] = true; });
    provinces.forEach(function (f) { if (!have[f.properties.code.slice(0, 2)]) { prefectures.push(f); } });
    prefectures.forEach(function (f) { f.properties.label = f.properties.name; f.properties.name = f.properties.code; });
    var dashed = [];
    topojson.feature(o.boundary_lines, o.boundary_lines.objects.boundary_lines).features.forEach(function (f) {
      dashed = dashed.concat(lines(f.geometry));
    });
    return { features: prefectures, provinces: lines(topojson.mesh(o.province, o.province.objects.province)), dashed: dashed };
  }
  var outline = base();
  echarts.registerMap("base", { type: "FeatureCollection", features: outline.features });
  function view() {
    var xs = data.points.map(function (p) { return p.at[0]; }), ys = data.points.map(function (p) { return p.at[1]; });
    if (!xs.length) { return {}; }
    var w = Math.min.apply(null, xs), e = Math.max.apply(null, xs), s = Math.min.apply(null, ys), n = Math.max.apply(null, ys);
    if (e - w > 25) { return {}; }
    var pad = Math.max(1, (e - w) * 0.12);
    return { boundingCoords: [[w - pad, n + pad], [e + pad, s - pad]] };
  }
  function draw() {
    charts.forEach(function (c) { c.chart.setOption(c.option(), true); });
    told.forEach(function (f) { f(); });
    document.title = root.dataset[lang() === "zh" ? "titleZh" : "titleEn"];
    root.setAttribute("lang", lang() === "zh" ? "zh-Hans" : "en");
  }
  function provinces() {
    return [
      { type: "lines", coordinateSystem: "geo", polyline: true, silent: true, lineStyle: { color: "#9aa7b4", width: 0.9, opacity: 1 },
        data: outline.provinces.map(function (c) { return { coords: c }; }) },
      { type: "lines", coordinateSystem: "geo", polyline: true, silent: true, lineStyle: { color: "#7a8794", width: 1.6, opacity: 1 },
        data: outline.dashed.map(function (c) { return { coords: c }; }) }
    ];
  }
  function geo() {
    return Object.assign({ map: "base", roam: true, silent: true, itemStyle: { areaColor: "#f5f7f9", borderColor: "#d5dbe1", borderWidth: 0.5 } }, view());
  }
  /* Charts by id of their element, each with a function that gives its option in the present language. */
  function start(options, also) {
    root.dataset.lang = /^zh/i.test(navigator.language || "") ? "zh" : "en";
    if (also) { told.push(also); }
    Object.keys(options).forEach(function (id) {
      var canvas = id === "map" || id.indexOf("heat") === 0;
      charts.push({ id: id, chart: echarts.init(document.getElementById(id), null, { renderer: canvas ? "canvas" : "svg" }), option: options[id] });
    });
    document.getElementById("language").addEventListener("click", function () {
      root.dataset.lang = lang() === "zh" ? "en" : "zh";
      draw();
    });
    window.addEventListener("resize", function () { charts.forEach(function (c) { c.chart.resize(); }); });
    draw();
  }
  function redraw(id) {
    charts.forEach(function (c) { if (c.id === id) { c.chart.setOption(c.option()); } });
  }
  return { redraw: redraw, data: data, lang: lang, number: number, escape: escape, provinces: provinces, geo: geo, start: start, draw: draw };
})();
