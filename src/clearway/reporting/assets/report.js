/* Draws the map and the course of the days from the data in the page; switches the language. */
(function () {
  "use strict";
  var root = document.documentElement;
  var data = JSON.parse(document.getElementById("data").textContent);
  var charts = [];
  var words = {
    en: { sorted: "sorted", delivered: "delivered", waiting: "waiting in the network", held: "waiting at senders",
          use: "use of sorting", price: "highest shadow price", over: "most beyond storage", parcels: "parcels" },
    zh: { sorted: "分拣", delivered: "投递", waiting: "网内等待", held: "寄件人处等待",
          use: "分拣利用率", price: "最高影子价格", over: "最多超存", parcels: "件" }
  };
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
  function drawMap() {
    var t = words[lang()];
    var most = data.lanes.reduce(function (m, l) { return Math.max(m, l.load); }, 1);
    var top = data.points.reduce(function (m, p) { return Math.max(m, p.sorted || 0); }, 1);
    var price = data.points.reduce(function (m, p) { return Math.max(m, p.price || 0); }, 0);
    return {
      animation: false,
      tooltip: { trigger: "item", confine: true, formatter: function (i) {
        var d = i.data && i.data.raw;
        if (!d) { return ""; }
        if (d.from) { return escape(d.id) + "<br>" + number(d.load) + " " + t.parcels + "<br>" + t.price + " " + number(d.price); }
        return "<b>" + escape(d.name) + "</b> " + escape(d.id) + "<br>" + t.sorted + " " + number(d.sorted) + "<br>" + t.delivered + " " + number(d.delivered) +
          "<br>" + t.use + " " + (d.use === null ? "–" : Math.round(100 * d.use) + " %") + "<br>" + t.price + " " + number(d.price) +
          (d.overflow ? "<br>" + t.over + " " + number(d.overflow) : "");
      } },
      visualMap: { min: 0, max: price || 1, dimension: 2, seriesIndex: 3, calculable: true, left: 8, bottom: 8, text: [t.price, ""],
        precision: 2, inRange: { color: ["#2a9d8f", "#e9c46a", "#d1495b"] }, textStyle: { fontSize: 11 } },
      geo: Object.assign({ map: "base", roam: true, silent: true, itemStyle: { areaColor: "#f5f7f9", borderColor: "#d5dbe1", borderWidth: 0.5 } }, view()),
      series: [
        { type: "lines", coordinateSystem: "geo", polyline: true, silent: true, lineStyle: { color: "#9aa7b4", width: 0.9, opacity: 1 },
          data: outline.provinces.map(function (c) { return { coords: c }; }) },
        { type: "lines", coordinateSystem: "geo", polyline: true, silent: true, lineStyle: { color: "#7a8794", width: 1.6, opacity: 1 },
          data: outline.dashed.map(function (c) { return { coords: c }; }) },
        { type: "lines", coordinateSystem: "geo", data: data.lanes.map(function (l) {
          return { coords: [l.from, l.to], raw: l, lineStyle: { width: 0.5 + 5 * Math.sqrt(l.load / most), opacity: 0.45, curveness: 0.12,
            color: l.price > 0.0005 ? "#d1495b" : "#0b6e99" } };
        }) },
        { type: "scatter", coordinateSystem: "geo", data: data.points.map(function (p) {
          return { value: [p.at[0], p.at[1], p.price || 0], raw: p, symbolSize: 6 + 20 * Math.sqrt((p.sorted || 0) / top),
            itemStyle: { borderColor: p.overflow ? "#b3261e" : "#fff", borderWidth: p.overflow ? 3 : 1 } };
        }) }
      ]
    };
  }
  function drawCourse() {
    var t = words[lang()], c = data.course;
    function line(key) { return { name: t[key], type: "line", showSymbol: false, data: c[key] }; }
    return {
      animation: false, tooltip: { trigger: "axis", confine: true }, legend: { top: 0 }, grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
      xAxis: { type: "category", data: c.time.map(function (x) { return x.slice(5).replace("T", " "); }) },
      yAxis: { type: "value", axisLabel: { formatter: function (x) { return x >= 1e6 ? x / 1e6 + " M" : x >= 1e3 ? x / 1e3 + " k" : x; } } },
      series: [line("sorted"), line("delivered"), line("waiting"), line("held")]
    };
  }
  function draw() {
    charts.forEach(function (c) { c.chart.setOption(c.option(), true); });
    document.title = root.dataset[lang() === "zh" ? "titleZh" : "titleEn"];
    root.setAttribute("lang", lang() === "zh" ? "zh-Hans" : "en");
  }
  root.dataset.lang = /^zh/i.test(navigator.language || "") ? "zh" : "en";
  [["map", drawMap], ["course", drawCourse]].forEach(function (pair) {
    charts.push({ chart: echarts.init(document.getElementById(pair[0]), null, { renderer: pair[0] === "map" ? "canvas" : "svg" }), option: pair[1] });
  });
  document.getElementById("language").addEventListener("click", function () {
    root.dataset.lang = lang() === "zh" ? "en" : "zh";
    draw();
  });
  window.addEventListener("resize", function () { charts.forEach(function (c) { c.chart.resize(); }); });
  draw();
})();
