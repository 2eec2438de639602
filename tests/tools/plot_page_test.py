"""plot.py --html: the page, as text and in a real browser."""

import json
import os
import re
import shutil
import tempfile
import time
import unittest
from html.parser import HTMLParser

import optuna

from plot_support import PlotTest
from program import PATIENCE, snapshot

from microgpt_tools.plot.page import script_json

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1280,1000"
)
# What a model of these learns to say; as HTML, it would do harm.
EVIL = "</script><script>document.title='evil'</script>\n<b>bold</b>&amp;\x01\u202e😀\n" * 60
EVIL_NAMES = ("<img src=x onerror=title='evil'>&amp;", "<b>%{x}$ok$<i>")

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Page(HTMLParser):
    """A page's tables and preformatted texts, and every address in its attributes."""

    def __init__(self, path):
        super().__init__()
        self.tables, self.samples, self.addresses, self.cell = [], [], [], None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data", "action")]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th", "pre"):
            self.cell = ""

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1].append(self.cell)
        elif tag == "pre":
            self.samples.append(self.cell)
        if tag in ("td", "th", "pre"):
            self.cell = None


class PageTest(PlotTest):
    def page(self, *arguments, **options):
        [path] = self.plotted(*arguments, "--html", "page.html", **options)
        self.assertEqual(path, self.folder / "page.html")
        return path

    def sweep(self):
        """A sweep of six trials, of which four have been trained, one failed and one was pruned."""
        (self.folder / "sweep").mkdir()
        study = optuna.create_study(storage=f"sqlite:///{self.folder}/sweep/study.db", study_name="names")
        for number in range(6):
            trial = study.ask()
            rate = trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True)
            width = trial.suggest_categorical("n_embd", [16, 32])
            if number == 2:
                trial.set_user_attr("error", "loss is <not> finite")
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            elif number == 4:
                trial.report(2.9, 10)
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                name = f"trials/trial-{number:05}/seed-42"
                self.training(f"sweep/{name}", learning_rate=rate, n_embd=width)
                trial.set_user_attr("run_folders", [name])
                study.tell(trial, 2.8 - 0.01 * number)
        self.write("sweep/sweep.yml", "storage: sqlite:///study.db\nstudy: names\nobjective: best\n")


class TextTest(PageTest):
    def test_runs(self):
        self.training("slow", learning_rate=0.003)
        fast = self.training("fast", learning_rate=0.02, n_embd=32)
        page = Page(self.page("slow", "fast"))
        runs, differences, common = page.tables
        head = ["run", "final loss", "smoothed", "best val_loss", "at step", "steps", "documents", "seconds",
                "tokens/s", "parameters", "n_embd", "learning_rate"]  # fmt: skip
        self.assertEqual(runs[0], head)
        self.assertEqual([row[0] for row in runs[1:]], ["slow", "fast"])
        best = min(line["val_loss"] for line in self.metrics(fast) if "val_loss" in line)
        row = dict(zip(head, runs[2]))
        self.assertEqual(row["final loss"], f"{self.metrics(fast)[-1]['loss']:.4f}")
        self.assertEqual(row["best val_loss"], f"{best:.4f}")
        self.assertEqual((row["steps"], row["documents"], row["n_embd"]), ("40", "320", "32"))
        self.assertEqual(row["parameters"].replace("\u202f", ""), "14272")
        self.assertEqual(
            differences, [["key", "slow", "fast"], ["n_embd", "16", "32"], ["learning_rate", "0.003", "0.02"]]
        )
        self.assertIn(["num_steps", "40"], common)
        self.assertNotIn("n_embd", [key for key, _ in common])
        drawn = self.succeed("generate", "--checkpoint", fast / "latest.h5").out
        self.assertEqual(page.samples[1], drawn.removesuffix("\n"))

    def metrics(self, run):
        return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]

    def test_one_run_and_no_pictures_beside_the_page(self):
        run = self.training("run")
        page = Page(self.page("run"))
        self.assertEqual(len(page.tables), 2)
        self.assertIn(["learning_rate", "0.01"], page.tables[1])
        self.assertFalse((run / "curves.png").exists())

    def test_pictures_and_page(self):
        self.training("run")
        written = self.plotted("run", "--html", "page.html", "--out", "picture")
        self.assertEqual([path.name for path in written], ["picture.png", "picture.svg", "page.html"])

    def test_it_needs_no_network(self):
        self.training("run")
        path = self.page("run")
        self.assertEqual(Page(path).addresses, ["data:,"])
        text = path.read_text(encoding="utf-8")
        self.assertIn("default-src 'none'", text)
        style = text[text.index("<style>") : text.index("</style>")]
        self.assertNotRegex(style, r"url\(|@import")

    def test_without_program_or_checkpoint(self):
        run = self.training("run")
        text = self.page("run", env=os.environ | {"MICROGPT": "nowhere"}).read_text(encoding="utf-8")
        self.assertIn("no samples: nowhere: no such program", text)
        text = self.page("run", env=os.environ | {"MICROGPT": "/bin/false"}).read_text(encoding="utf-8")
        self.assertIn("no samples: the program ended with exit code 1", text)
        (run / "latest.h5").unlink()
        text = self.page("run").read_text(encoding="utf-8")
        self.assertIn("no samples: the run has no checkpoint yet", text)
        (run / "latest.h5").write_bytes(b"damaged")
        text = self.page("run").read_text(encoding="utf-8")
        self.assertIn("no samples: microgpt: error:", text)
        self.assertEqual(Page(self.folder / "page.html").tables[0][1][-1], "–")  # the count of parameters

    def test_data_in_a_script_cannot_end_it(self):
        content = {"name": "</script><script>alert(1)</script> <!-- ü"}
        self.assertNotIn("<", script_json(content))
        self.assertEqual(json.loads(script_json(content)), content)

    def test_the_same_runs_give_the_same_bytes(self):
        self.training("run")
        self.assertEqual(self.page("run").read_bytes(), self.page("run").read_bytes())

    def test_a_sweep(self):
        self.sweep()
        before = snapshot(self.folder / "sweep")
        page = Page(self.page("sweep"))
        self.assertEqual(snapshot(self.folder / "sweep"), before)
        trials = page.tables[0]
        self.assertEqual(trials[0], ["trial", "state", "best val_loss", "learning_rate", "n_embd", "seconds",
                                     "run folders", "error"])  # fmt: skip
        self.assertEqual([row[0] for row in trials[1:]], ["5", "3", "1", "0", "2", "4"])
        self.assertEqual(trials[1][:3], ["5", "complete", "2.7500"])
        self.assertEqual([row[-1] for row in trials if row[0] == "2"], ["loss is <not> finite"])
        self.assertEqual([row[0] for row in page.tables[1][1:]],
                         [f"trial-0000{number}/seed-42" for number in (5, 3, 1, 0)])  # fmt: skip
        self.assertEqual(len(page.samples), 4)

        shutil.rmtree(self.folder / "sweep/trials")
        text = self.page("sweep").read_text(encoding="utf-8")
        self.assertIn("None of the trials&#x27; run folders is there", text)


class BrowserTest(PageTest):
    """One browser serves all tests here."""

    @classmethod
    def setUpClass(cls):
        try:
            from selenium import webdriver
        except ImportError:
            raise unittest.SkipTest("python3-selenium is not installed") from None
        if not CHROMIUM or not CHROMEDRIVER:
            raise unittest.SkipTest("chromium and chromium-driver are not installed")
        holder = tempfile.TemporaryDirectory(prefix="microgpt-chromium-", ignore_cleanup_errors=True)
        cls.addClassCleanup(holder.cleanup)
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS.split(), f"--user-data-dir={holder.name}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.browser = webdriver.Chrome(
            service=webdriver.chrome.service.Service(CHROMEDRIVER), options=options
        )
        cls.addClassCleanup(cls.browser.quit)
        cls.browser.set_page_load_timeout(PATIENCE)

    def open(self, *arguments):
        path = self.page(*arguments)
        self.browser.get(path.as_uri())
        self.assert_quiet()

    def assert_quiet(self):
        self.assertEqual(self.browser.get_log("browser"), [])
        loaded = self.script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        self.assertEqual([name for name in loaded if not name.startswith(("data:", "blob:"))], [])

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def find(self, selector):
        return self.browser.find_elements("css selector", selector)

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            self.assertLess(time.monotonic(), deadline, "the page does not do it")
            time.sleep(0.05)
        return found

    def actions(self):
        from selenium.webdriver.common.action_chains import ActionChains

        return ActionChains(self.browser)

    def plot_area(self, chart):
        """The middle of what can be hovered and dragged in a chart, in the middle of the window."""
        area = self.find(f"#{chart} .nsewdrag")[0]
        self.script("arguments[0].scrollIntoView({block: 'center'})", area)
        return area

    def column(self, table, index):
        return [row.text for row in self.find(f"table{table} tbody td:nth-child({index})")]

    def test_runs(self):
        self.training("slow", learning_rate=0.003, num_steps=30)
        self.training("fast", learning_rate=0.02)
        self.open("slow", "fast")

        with self.subTest("hover"):
            area = self.plot_area("chart-loss")
            x, y = self.script(
                """const chart = document.getElementById("chart-loss"), {xaxis, yaxis} = chart._fullLayout;
                   const trace = chart.data.find((trace) => trace.hovertemplate?.startsWith("validation"));
                   return [xaxis.d2p(trace.x[1]) - xaxis._length / 2, yaxis.d2p(trace.y[1]) - yaxis._length / 2];"""
            )
            self.actions().move_to_element_with_offset(area, int(x), int(y)).perform()
            tooltip = self.wait_for(lambda: self.find("#chart-loss .hoverlayer .hovertext"))
            self.assertRegex(
                tooltip[0].text, r"slow · .*\s*validation loss\s*step 20\s*loss \(nats\) \d\.\d+"
            )

        with self.subTest("a click on a run's name hides it in all charts"):
            shown = "return document.querySelectorAll('#%s .scatterlayer .trace').length"
            before = {chart: self.script(shown % chart) for chart in ("chart-loss", "chart-speed")}
            names = [element.text for element in self.find("#chart-loss .legendtext")]
            self.assertEqual(
                names, ["slow · num_steps=30 learning_rate=0.003", "fast · num_steps=40 learning_rate=0.02"]
            )
            self.find("#chart-loss .legendtoggle")[0].click()
            for chart, count in before.items():
                self.wait_for(lambda: self.script(shown % chart) == count / 2)

        with self.subTest("another axis"):
            limits = "return document.getElementById('chart-loss')._fullLayout.xaxis.range"
            self.assertLess(self.script(limits)[1], 60)
            for axis, title in (("documents", "documents"), ("seconds", "time (s)")):
                self.find(f"input[value={axis}] + span")[0].click()
                self.wait_for(lambda: self.find("#chart-loss .xtitle")[0].text == title)
                self.assertEqual(self.find("#chart-speed .xtitle")[0].text, title)
            self.find("input[value=documents] + span")[0].click()
            self.wait_for(lambda: self.script(limits)[1] > 300)

        with self.subTest("zoom"):
            area = self.plot_area("chart-loss")
            former = self.script(limits)
            self.actions().move_to_element_with_offset(area, -100, -60).click_and_hold().move_by_offset(
                150, 100
            ).release().perform()
            self.wait_for(lambda: self.script(limits)[1] < former[1])
            self.assertGreater(self.script(limits)[0], former[0])

        self.assert_quiet()

    def test_a_table_sorts(self):
        self.training("b", num_steps=9)
        self.training("a", num_steps=30, validation_fraction=0)
        self.training("c", num_steps=10)
        self.open("b", "a", "c")
        heads = {element.text.strip(): element for element in self.find("table.sortable th button")}
        self.assertEqual(self.column(".sortable", 1), ["b", "a", "c"])
        for head, orders in (("run", ("abc", "cba")), ("steps", ("bca", "acb"))):  # 9, 10, 30: as numbers
            for order in orders:
                heads[head].click()
                self.assertEqual("".join(self.column(".sortable", 1)), order, head)
        for _ in range(2):
            heads["best val_loss"].click()
            self.assertEqual(self.column(".sortable", 1)[-1], "a")  # it has none
        self.assertEqual(self.find("th[aria-sort=descending]")[0].text.strip(), "best val_loss")
        self.assert_quiet()

    def test_text_from_outside_is_only_text(self):
        text = self.write("evil.txt", EVIL)
        first, second = EVIL_NAMES
        self.training(first, dataset=text, num_steps=300, block_size=32, temperature=0.1, learning_rate=0.02)
        self.training(second, num_steps=5)
        self.open(first, second)
        self.assertEqual(self.browser.title, "2 runs of microgpt")
        self.assertEqual(self.find("main img"), [])
        self.assertEqual(self.column(".sortable", 1), [first, second])
        for label, name in zip(self.find("#chart-loss .legendtext"), EVIL_NAMES):
            self.assertTrue(label.text.startswith(f"{name} · "), label.text)
        samples = self.find("pre")[0].get_property("textContent")
        self.assertRegex(samples, "<")
        self.assertNotIn("\x01", samples)
        self.assert_quiet()

    def test_dark_and_narrow(self):
        self.training("run")
        path = self.page("run")
        media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        screen = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.addCleanup(self.browser.execute_cdp_cmd, "Emulation.setEmulatedMedia", {"features": []})
        self.addCleanup(self.browser.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        self.browser.get(path.as_uri())
        self.assert_quiet()
        self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 390)
        colour = "return getComputedStyle(document.querySelector('#chart-loss .legendtext')).fill"
        dark = self.script(colour)
        self.assertGreater(min(map(int, re.findall(r"\d+", dark)[:3])), 180)
        media["features"][0]["value"] = "light"
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.wait_for(lambda: self.script(colour) != dark)

    def test_a_sweep(self):
        self.sweep()
        self.open("sweep")
        charts = [
            "progress",
            "importance",
            "parallel",
            "slice-0",
            "slice-1",
            "loss",
            "learning-rate",
            "speed",
        ]
        for name in charts:
            self.assertTrue(self.find(f"#chart-{name} .plot"), name)
        for name, count in (("progress", 6), ("parallel", 4 * 3)):
            self.assertEqual(len(self.find(f"#chart-{name} .scatterlayer .point")), count, name)

        area = self.plot_area("chart-progress")
        x, y = self.script(
            """const {xaxis, yaxis} = document.getElementById("chart-progress")._fullLayout;
               return [xaxis.d2p(3) - xaxis._length / 2, yaxis.d2p(2.77) - yaxis._length / 2];"""
        )
        self.actions().move_to_element_with_offset(area, int(x), int(y)).perform()
        tooltip = self.wait_for(lambda: self.find("#chart-progress .hoverlayer .hovertext"))
        self.assertRegex(tooltip[0].text, r"trial 3: 2\.7700\s*learning_rate = [\d.e-]+\s*n_embd = (16|32)")

        # Rates are written out, on logarithmic axes too, and titles keep clear of labels.
        for labels in ("#chart-slice-0 .xtick text", "#chart-learning-rate .ytick text"):
            texts = [element.get_property("textContent") for element in self.find(labels)]
            self.assertTrue(texts, labels)
            for text in texts:
                self.assertTrue(float(text) == 0 or 5e-4 <= float(text) <= 0.2, texts)
        box = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"
        for chart in ("progress", "slice-0", "loss", "learning-rate"):
            title = self.script(box, f"#chart-{chart} .ytitle")
            self.assertLess(title["right"] + 4, self.script(box, f"#chart-{chart} .yaxislayer-above")["left"], chart)

        heads = {element.text.strip(): element for element in self.find("table.sortable")[0].find_elements(
            "css selector", "th button")}  # fmt: skip
        heads["trial"].click()
        rows = self.find("table.sortable")[0].find_elements("css selector", "tbody td:first-child")
        self.assertEqual([row.text for row in rows], list("012345"))
        self.assert_quiet()


if __name__ == "__main__":
    unittest.main()
