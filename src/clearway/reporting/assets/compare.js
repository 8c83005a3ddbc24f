/* Draws runs side by side: map by time, heat strips, stages, course; downloads made from what the page holds. */
(function () {
  "use strict";
  var page = window.clearway, data = page.data, lang = page.lang, number = page.number, escape = page.escape;
  var words = {
    en: { waiting: "waiting", held: "at senders", full: "yard in use", over: "beyond storage", hours: "hours", of: "of its storage",
          load: "load of capacity", parcels: "parcels",
          stages: ["origin processing", "transport", "destination processing", "delivery"] },
    zh: { waiting: "等待", held: "寄件人处", full: "场地占用", over: "超存", hours: "小时", of: "占存放能力",
          load: "负荷占能力", parcels: "件", stages: ["寄出地处理", "运输", "寄达地处理", "投递"] }
  };
  var colours = ["#2a9d8f", "#e9c46a", "#f4a261", "#d1495b"];
  var select = document.getElementById("run"), slider = document.getElementById("time"), clock = document.getElementById("clock");
  var play = document.getElementById("play"), timer = null;
  function run() { return data.runs[Number(select.value)]; }
  function name(r) { return lang() === "zh" ? r.zh : r.en; }
  function short(x) { return x >= 1e6 ? x / 1e6 + " M" : x >= 1e3 ? x / 1e3 + " k" : x; }
  function when(x) { return x.slice(5).replace("T", " "); }
  function share(p, n) { return p.storage ? n / p.storage : 0; }
  function drawMap() {
    var t = words[lang()], slot = Number(slider.value), waiting = run().waiting, held = run().held;
    clock.textContent = data.time[slot].replace("T", " ");
    return {
      animation: false,
      tooltip: { trigger: "item", confine: true, formatter: function (i) {
        var d = i.data && i.data.raw;
        return d ? "<b>" + escape(d.name) + "</b> " + escape(d.id) + "<br>" + t.waiting + " " + number(d.waiting) + "<br>" + t.held + " " + number(d.held) +
          (d.storage ? "<br>" + t.full + " " + Math.round(100 * d.waiting / d.storage) + " %" : "") : "";
      } },
      visualMap: { min: 0, max: 1, dimension: 2, seriesIndex: 2, calculable: true, left: 8, bottom: 8, text: [t.full, ""], precision: 2,
        inRange: { color: colours }, textStyle: { fontSize: 11 } },
      geo: page.geo(),
      series: page.provinces().concat([
        { type: "scatter", coordinateSystem: "geo", data: data.points.map(function (p, i) {
          if (!p.at) { return null; }
          var n = waiting[i][slot], raw = { name: p.name, id: p.id, storage: p.storage, waiting: n, held: held[i][slot] };
          return { value: [p.at[0], p.at[1], Math.min(1, share(p, n))], raw: raw, symbolSize: 4 + 34 * Math.sqrt(n / data.most),
            itemStyle: { borderColor: share(p, n) > 1 ? "#b3261e" : "#fff", borderWidth: share(p, n) > 1 ? 3 : 1 } };
        }).filter(function (d) { return d !== null; }) }
      ])
    };
  }
  function heat(rows, value, title) {
    var cells = [];
    rows.forEach(function (i, y) {
      for (var x = 0; x < data.time.length; x += 1) { cells.push([x, y, Math.round(1000 * value(i, x)) / 1000]); }
    });
    return {
      animation: false,
      tooltip: { confine: true, formatter: function (c) {
        return escape(data.points[rows[c.value[1]]].name) + "<br>" + when(data.time[c.value[0]]) + "<br>" + title + " " + Math.round(100 * c.value[2]) + " %";
      } },
      grid: { left: 4, right: 8, top: 8, bottom: 56, containLabel: true },
      xAxis: { type: "category", data: data.time.map(when), splitArea: { show: false } },
      yAxis: { type: "category", inverse: true, data: rows.map(function (i) { return data.points[i].name; }), axisLabel: { fontSize: 10 } },
      visualMap: { min: 0, max: 1.2, calculable: true, orient: "horizontal", left: "center", bottom: 0, itemHeight: 90, precision: 2,
        inRange: { color: ["#f0f4f7", "#2a9d8f", "#e9c46a", "#d1495b", "#7a0c1e"] }, textStyle: { fontSize: 11 } },
      series: [{ type: "heatmap", data: cells, progressive: 0 }]
    };
  }
  function drawBacklog() {
    var waiting = run().waiting;
    return heat(data.fullest, function (i, x) { return share(data.points[i], waiting[i][x]); }, words[lang()].full);
  }
  function drawLoad() {
    return heat(data.loaded, function (i, x) { return data.load[i][x]; }, words[lang()].load);
  }
  function drawStages() {
    var t = words[lang()];
    return {
      animation: false, tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, confine: true, valueFormatter: function (v) { return v === null ? "–" : v.toFixed(2) + " " + t.hours; } },
      legend: { top: 0 }, grid: { left: 8, right: 24, top: 40, bottom: 8, containLabel: true },
      xAxis: { type: "value", name: "" }, yAxis: { type: "category", inverse: true, data: data.runs.map(name) },
      series: t.stages.map(function (s, i) {
        return { name: s, type: "bar", stack: "all", itemStyle: { color: ["#0b6e99", "#2a9d8f", "#e9c46a", "#d1495b"][i] },
          label: { show: true, formatter: function (p) { return p.value === null ? "" : p.value.toFixed(1); } },
          data: data.runs.map(function (r) { return r.stages[i]; }) };
      })
    };
  }
  function drawCourse() {
    var t = words[lang()], series = [];
    data.runs.forEach(function (r, i) {
      var colour = ["#7a8794", "#f4a261", "#0b6e99", "#2a9d8f", "#d1495b"][i % 5];
      series.push({ name: name(r), type: "line", showSymbol: false, itemStyle: { color: colour }, data: r.all_waiting });
      series.push({ name: name(r) + " · " + t.over, type: "line", showSymbol: false, lineStyle: { type: "dashed" }, itemStyle: { color: colour }, data: r.all_over });
    });
    return {
      animation: false, tooltip: { trigger: "axis", confine: true }, legend: { type: "scroll", top: 0 }, grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
      xAxis: { type: "category", data: data.time.map(when) }, yAxis: { type: "value", axisLabel: { formatter: short } }, series: series
    };
  }
  function cell(x) { var s = x === null || x === undefined ? "" : String(x); return /[",\n]/.test(s) ? '"' + s.replace(/"/g, '""') + '"' : s; }
  function csv(rows) { return "\ufeff" + rows.map(function (r) { return r.map(cell).join(","); }).join("\r\n") + "\r\n"; }
  var files = {
    "measures.csv": function () { return [["measure"].concat(data.runs.map(name))].concat(data.measures.map(function (m) { return [m.measure].concat(m.values); })); },
    "backlog.csv": function () {
      var rows = [["run", "facility", "time", "waiting", "held"]];
      data.runs.forEach(function (r) { data.points.forEach(function (p, i) { data.time.forEach(function (x, s) {
        if (r.waiting[i][s] || r.held[i][s]) { rows.push([r.en, p.id, x, r.waiting[i][s], r.held[i][s]]); }
      }); }); });
      return rows;
    },
    "instructions-shown.csv": function () {
      return Array.from(document.querySelectorAll("#instructions tr")).filter(function (r) { return r.style.display !== "none"; }).map(function (r) {
        return Array.from(r.children).map(function (c) { var s = c.querySelector('[lang="' + lang() + '"]'); return (s || c).textContent; });
      });
    }
  };
  document.querySelectorAll("button[data-file]").forEach(function (b) {
    b.addEventListener("click", function () {
      var a = document.createElement("a");
      a.href = URL.createObjectURL(new Blob([csv(files[b.dataset.file]())], { type: "text/csv" }));
      a.download = b.dataset.file;
      a.click();
      setTimeout(function () { URL.revokeObjectURL(a.href); }, 1000);
    });
  });
  var find = document.getElementById("find");
  if (find) {
    find.addEventListener("input", function () {
      var text = find.value.trim().toLowerCase();
      document.querySelectorAll("#instructions tbody tr").forEach(function (r) { r.style.display = r.textContent.toLowerCase().indexOf(text) < 0 ? "none" : ""; });
    });
  }
  slider.addEventListener("input", function () { page.redraw("map"); });
  select.addEventListener("change", function () { page.redraw("map"); page.redraw("heat-backlog"); });
  play.addEventListener("click", function () {
    if (timer) { clearInterval(timer); timer = null; play.textContent = "▶"; return; }
    play.textContent = "❚❚";
    timer = setInterval(function () { slider.value = (Number(slider.value) + 1) % data.time.length; page.redraw("map"); }, 250);
  });
  var charts = { map: drawMap, "heat-backlog": drawBacklog, stages: drawStages, course: drawCourse };
  if (data.loaded) { charts["heat-load"] = drawLoad; }
  page.start(charts, function () {
    Array.from(select.options).forEach(function (o) { o.textContent = lang() === "zh" ? o.dataset.zh : o.dataset.en; });
  });
})();
