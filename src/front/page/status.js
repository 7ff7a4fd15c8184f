"use strict";
(function () {
	const PERIOD_MS = 2000, POINTS = 150;
	const byId = (id) => document.getElementById(id);

	/* ---- how things are written */
	const count = (n) => n >= 1e6 ? (n / 1e6).toFixed(1) + " M" : n >= 1e4 ? (n / 1e3).toFixed(1) + " k" : String(Math.round(n));
	const rate = (n) => n >= 100 ? count(n) : n.toFixed(1);
	const percent = (part, all) => all > 0 ? (100 * part / all).toFixed(1) + " %" : "–";
	function bytes(n) {
		const units = ["B", "KiB", "MiB", "GiB", "TiB"];
		let unit = 0;
		for (; n >= 1024 && unit < units.length - 1; unit++)
			n /= 1024;
		return (unit && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + units[unit];
	}
	function span(seconds) {
		if (seconds === null)
			return "–";
		return seconds < 1e-3 ? Math.round(seconds * 1e6) + " µs" : seconds < 1 ? (seconds * 1e3).toFixed(1) + " ms" : seconds.toFixed(1) + " s";
	}
	function longSpan(seconds) {
		seconds = Math.max(0, Math.round(seconds));
		if (seconds < 60)
			return seconds + " s";
		if (seconds < 3600)
			return Math.floor(seconds / 60) + " min";
		if (seconds < 86400)
			return Math.floor(seconds / 3600) + " h " + Math.floor(seconds / 60) % 60 + " min";
		return Math.floor(seconds / 86400) + " d " + Math.floor(seconds / 3600) % 24 + " h";
	}
	function element(name, text, attributes) {
		const made = document.createElement(name);
		if (text !== undefined)
			made.textContent = text;
		for (const key in attributes || {})
			made.setAttribute(key, attributes[key]);
		return made;
	}

	/* ---- what happened between two looks */
	let before = null;
	const SINCE = 30; /* looks over which the tiles reckon: a minute */
	const looks = [];
	const answeredReads = (r) => r.hits + r.misses + r.revalidated + r.collapsed + r.bypassed;
	function mean(now, then, name) {
		const times = now.latency[name].count - then.latency[name].count;
		return times > 0 ? (now.latency[name].sum - then.latency[name].sum) / times : null;
	}

	/* ---- plots */
	const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
	const series = { times: [], hits: [], misses: [], redmine: [], miss: [], hit: [], busy: [], waiting: [] };
	const plots = [
		{ id: "plot-requests", lines: [["hits", "hits", "--one"], ["misses", "others", "--two"]], digits: 1 },
		{ id: "plot-times", lines: [["redmine", "Redmine", "--one"], ["miss", "a miss", "--two"]], digits: 1 },
		{ id: "plot-hits", lines: [["hit", "a hit", "--one"]], digits: 3 },
		{ id: "plot-work", lines: [["busy", "at work", "--one"], ["waiting", "waiting", "--two"]], digits: 0 },
	];
	const minute = (time) => new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
	const plotData = (plot) => [series.times].concat(plot.lines.map((line) => series[line[0]]));
	function draw(plot) {
		const place = byId(plot.id);
		const axis = { stroke: colour("--soft"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid") } };
		if (plot.drawn)
			plot.drawn.destroy();
		plot.drawn = new uPlot({
			width: place.clientWidth || 300, height: 170, cursor: { show: false },
			scales: {
				x: { range: (u, first, last) => [last - POINTS * PERIOD_MS / 1000, last] },
				y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] },
			},
			series: [{}].concat(plot.lines.map((line) => ({
				label: line[1], stroke: colour(line[2]), width: 2, spanGaps: true,
				points: { size: 5, show: (u, index) => u.data[index].filter((value) => value !== null).length === 1 },
				dash: line[2] === "--two" ? [6, 4] : undefined,
			}))),
			axes: [Object.assign({ space: 70, incrs: [60, 120, 300], values: (u, times) => times.map(minute) }, axis), Object.assign({ size: 56 }, axis)], legend: { live: false },
		}, plotData(plot), place);
		plot.width = place.clientWidth;
	}
	function redraw() {
		plots.forEach(draw);
	}
	function plotPoint(now, then) {
		const seconds = (now.now_ms - then.now_ms) / 1000;
		const engines = now.engines.reduce((sum, e) => [sum[0] + e.busy, sum[1] + e.queued], [0, 0]);
		const asked = answeredReads(now.requests) + now.requests.writes - answeredReads(then.requests) - then.requests.writes;
		const hits = now.requests.hits - then.requests.hits;
		const ms = (value) => value === null ? null : value * 1000;
		const point = {
			times: now.now_ms / 1000, hits: hits / seconds, misses: Math.max(0, asked - hits) / seconds, redmine: ms(mean(now, then, "redmine")),
			miss: ms(mean(now, then, "misses")), hit: ms(mean(now, then, "hits")), busy: engines[0], waiting: engines[1],
		};
		for (const name in series) {
			series[name].push(point[name]);
			if (series[name].length > POINTS)
				series[name].shift();
		}
		for (const plot of plots) {
			if (!plot.drawn)
				draw(plot);
			else
				plot.drawn.setData(plotData(plot));
			byId(plot.id).setAttribute("aria-label", plot.lines.map((line) => {
				const value = point[line[0]];
				return line[1] + " " + (value === null ? "none" : value.toFixed(plot.digits));
			}).join(", "));
		}
	}

	/* ---- the parts of the page */
	function tile(name, value, more) {
		const box = element("div");
		box.append(element("dt", name), element("dd", value));
		if (more)
			box.append(element("dd", more));
		return box;
	}
	function showTiles(now, then) {
		const seconds = Math.max(0.001, (now.now_ms - then.now_ms) / 1000);
		const r = now.requests, t = then.requests, cache = now.cache;
		const per = (name) => (r[name] - t[name]) / seconds;
		byId("tiles").replaceChildren(
			tile("Hits, last minute", percent(r.hits - t.hits, answeredReads(r) - answeredReads(t)), percent(r.hits, answeredReads(r)) + " since the start"),
			tile("Requests a second", rate(per("answered")), count(r.answered) + " since the start"),
			tile("A hit takes", span(mean(now, then, "hits")), "99 % below " + span(now.latency.hits.p99)),
			tile("Redmine takes", span(mean(now, then, "redmine")), "99 % below " + span(now.latency.redmine.p99)),
			tile("To Redmine a second", rate(per("upstream")), count(r.upstream) + " since the start"),
			tile("Age of what is served", span(mean(now, then, "served_age")), "99 % below " + span(now.latency.served_age.p99)),
			tile("Failed", count(r.errors), rate(per("errors")) + " a second"),
			tile("Read ahead", count(now.read_ahead.asked) + " pages", count(now.read_ahead.used) + " used, " + count(now.read_ahead.wasted) + " wasted"),
			tile("Changes made elsewhere", now.watch.rounds ? count(now.watch.changes) : "not watched", now.watch.seen_ms ? "seen up to " + longSpan((now.now_ms - now.watch.seen_ms) / 1000) + " ago" : ""),
			tile("Served stale", count(r.stale), "while refreshed, or Redmine failed"),
			tile("In memory", bytes(cache.memory_bytes), count(cache.memory_entries) + " entries, of " + bytes(cache.memory_limit)),
			tile("In the file", cache.store === "off" ? "off" : bytes(cache.store_bytes), cache.store === "off" ? "" : cache.store + ", " + count(cache.store_entries) + " entries"),
			tile("Connections", count(r.connections), count(r.connections_refused) + " refused")
		);
	}
	function fill(id, heads, rows, none) {
		const head = element("thead"), body = element("tbody"), line = element("tr");
		heads.forEach((text) => line.append(element("th", text, { scope: "col" })));
		head.append(line);
		rows.forEach((cells) => {
			const row = element("tr");
			cells.forEach((cell, i) => row.append(i === 0 ? element("th", cell, { scope: "row" })
				: element("td", typeof cell === "object" ? cell.text : cell, typeof cell === "object" && cell.failed ? { class: "failed" } : {})));
			body.append(row);
		});
		if (rows.length === 0) {
			const row = element("tr");
			row.append(element("td", none, { colspan: heads.length }));
			body.append(row);
		}
		byId(id).replaceChildren(head, body);
	}
	function showTables(now) {
		fill("engines", ["Engine", "Workers", "At work", "Waiting", "Done", "Refused", "Died"],
			now.engines.map((e) => [e.name, count(e.workers), count(e.busy), count(e.queued) + " of " + count(e.queue_limit), count(e.done), count(e.refused), count(e.deaths)]), "none");
		const cost = (resource) => resource.redmine ? resource.redmine.sum : 0;
		fill("resources", ["Resource", "Requests", "Hits", "Failed", "Asked of Redmine", "Half below", "99 % below", "Time of Redmine", "Newest answer"],
			now.resources.slice().sort((a, b) => cost(b) - cost(a)).map((e) => [e.name, count(e.requests), percent(e.hits, e.requests), { text: count(e.errors), failed: e.errors > 0 }]
				.concat(e.redmine && e.redmine.count ? [count(e.redmine.count), span(e.redmine.median), span(e.redmine.p99), span(e.redmine.sum)] : ["0", "–", "–", "–"])
				.concat(e.fresh_ms ? longSpan((now.now_ms - e.fresh_ms) / 1000) + " ago" : "–")), "nothing was asked yet");
		fill("bad", ["Request", "Status", "Took", "Redmine", "Cache", "Ago"],
			now.slow_or_failed.map((e) => [e.method + " " + e.resource, { text: e.status || "left", failed: e.status >= 500 }, span(e.duration_us / 1e6),
				e.upstream_us < 0 ? "–" : span(e.upstream_us / 1e6), e.cache, longSpan((now.now_ms - e.at_ms) / 1000)]), "none");
	}
	function setText(id, text, state) {
		const place = byId(id);
		if (place.textContent !== text)
			place.textContent = text; /* else it would be read out again */
		if (state !== undefined)
			place.className = state;
	}
	function show(now) {
		const redmine = now.redmine, since = redmine.since_ms ? " since " + new Date(redmine.since_ms).toLocaleTimeString() : "";
		const words = { up: "Redmine answers", down: "Redmine does not answer", unknown: "Redmine was not asked yet" };
		const alone = redmine.breaker === "open" ? " (left alone for a while, as it failed so often)" : "";
		setText("redmine", words[redmine.state] + since + alone + ": " + redmine.url, redmine.state);
		setText("daemon", "version " + now.version + ", up " + longSpan((now.now_ms - now.started_ms) / 1000));
		if (before && before.started_ms !== now.started_ms) {
			before = null; /* it was started anew: what was counted is gone */
			looks.length = 0;
		}
		looks.push(now);
		if (looks.length > SINCE)
			looks.shift();
		showTiles(now, looks[0]);
		showTables(now);
		if (before && now.now_ms > before.now_ms)
			plotPoint(now, before);
		before = now;
	}

	async function look() {
		try {
			const answer = await fetch("status.json", { cache: "no-store" });
			if (!answer.ok)
				throw new Error("status " + answer.status);
			show(await answer.json());
		} catch (error) {
			setText("redmine", "redmine-cached does not answer; what is below is old", "down");
		}
		setTimeout(look, PERIOD_MS);
	}
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
	new ResizeObserver(() => {
		if (plots.some((plot) => plot.drawn && plot.width !== byId(plot.id).clientWidth))
			redraw();
	}).observe(document.body);
	look();
})();
