"""Requests of the browser code: of many the newest counts, and whatever goes wrong is one sentence."""

from __future__ import annotations

import json

from player_browser import Site
from playwright.sync_api import Page

pytest_plugins = ["player_fixtures"]

REQUEST = """
    const said = [], sent = [];
    const request = new http.NewestRequest((problem) => said.push(problem));
    const begun = (promise) => new Promise((resolve) => setTimeout(resolve)).then(() => promise);
"""


def test_one_request_is_in_flight_the_newest_waits_and_those_between_are_never_sent(player_page: Page) -> None:
    answers, sent, dropped = player_page.evaluate(f"""async () => {{ {REQUEST}
        let finish;
        const first = request.send(() => {{ sent.push(1); return new Promise((done) => (finish = done)); }}, false);
        await begun();
        const others = [2, 3, 4].map((n) => request.send(async () => {{ sent.push(n); return n; }}, false));
        await begun();
        const meanwhile = [...sent];
        finish(1);
        return [await Promise.all([first, ...others]), [meanwhile, sent], request.dropped]; }}""")
    assert answers == [1, None, None, 4]
    assert sent == [[1], [1, 4]]
    assert dropped == 2


def test_a_newer_request_ends_the_one_in_flight(player_page: Page) -> None:
    answers, said = player_page.evaluate(f"""async () => {{ {REQUEST}
        const endless = (signal) =>
            new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
        const first = request.send(endless);
        await begun();
        const second = request.send(endless);
        await begun();
        const third = request.send(async () => "answer");
        return [await Promise.all([first, second, third]), said]; }}""")
    assert answers == [None, None, "answer"]
    assert said == [""]  # a request that was ended is no problem


def test_what_goes_wrong_is_said_in_one_sentence_and_the_next_answer_takes_it_back(
    player_page: Page, site: Site
) -> None:
    site.files["refused"] = (400, json.dumps({"error": "there is no run 'x' here"}))
    site.files["broken"] = (500, "<p>oops")
    said = player_page.evaluate(f"""async () => {{ {REQUEST}
        for (const url of ["/refused", "/broken", "http://127.0.0.1:1/"]) await request.send(() => http.get(url));
        await request.send(async () => 1);
        const defect = request.send(async () => {{ throw new RangeError("a defect"); }});
        const error = await defect.catch(({{ name }}) => name);
        return [...said, error]; }}""")
    assert said[0] == "there is no run 'x' here"
    assert said[1].startswith("the server answered 500")
    assert said[2] == "the server does not answer; is it still running?"
    assert said[3:] == ["", "RangeError"]  # what is a defect is raised, not said
