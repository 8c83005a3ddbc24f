/* Draws the map and the course of the days from the data in the page. */
(function () {
  "use strict";
  var page = window.clearway, data = page.data, lang = page.lang, number = page.number, escape = page.escape;
  var words = {
    en: { sorted: "sorted", delivered: "delivered", waiting: "waiting in the network", held: "waiting at senders",
          use: "use of sorting", price: "highest shadow price", over: "most beyond storage", parcels: "parcels" },
    zh: { sorted: "分拣", delivered: "投递", waiting: "网内等待", held: "寄件人处等待",
          use: "分拣利用率", price: "最高影子价格", over: "最多超存", parcels: "件" }
  };
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
      geo: page.geo(),
      series: page.provinces().concat([
        { type: "lines", coordinateSystem: "geo", data: data.lanes.map(function (l) {
          return { coords: [l.from, l.to], raw: l, lineStyle: { width: 0.5 + 5 * Math.sqrt(l.load / most), opacity: 0.45, curveness: 0.12,
            color: l.price > 0.0005 ? "#d1495b" : "#0b6e99" } };
        }) },
        { type: "scatter", coordinateSystem: "geo", data: data.points.map(function (p) {
          return { value: [p.at[0], p.at[1], p.price || 0], raw: p, symbolSize: 6 + 20 * Math.sqrt((p.sorted || 0) / top),
            itemStyle: { borderColor: p.overflow ? "#b3261e" : "#fff", borderWidth: p.overflow ? 3 : 1 } };
        }) }
      ])
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
  page.start({ map: drawMap, course: drawCourse });
})();
