#!/usr/bin/env python3
"""Records what Jinja2 itself makes of templates, and Python of simple expressions, into test/golden/.

Needs Debian's python3-jinja2. Run as: /usr/bin/python3 scripts/record-jinja-golden.py
The tests read the recorded data; they do not need Python.

Three things are recorded as this project decided them, not as plain Jinja2 has them:
* lists and maps print as JSON (that is the `finalize` of FlatMachine), with characters beyond ASCII left readable;
* integral floats print without ".0", because JSON does not tell 1 and 1.0 apart;
* keys win over methods: `context.items` is the entry of that name, never the method of a dict.
"""

import json
import pathlib

from jinja2 import Environment, Undefined, UndefinedError

HERE = pathlib.Path(__file__).resolve().parent.parent / "test" / "golden"

CONTEXT = {
    "name": "Ann",
    "empty": "",
    "text": "the quick brown fox jumps over the lazy dog",
    "spaced": "  padded \n",
    "lines": "one\ntwo\n\nthree",
    "html": "<a href='x'>\"R&D\"</a>",
    "uni": "Grüße, 世界 😀!",
    "accents": "éàü",
    "score": 8,
    "half": 7.5,
    "neg": -3,
    "zero": 0,
    "pi": 3.14159265,
    "tiny": 0.00001234,
    "big": 123456789012,
    "yes": True,
    "no": False,
    "nothing": None,
    "xs": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple"],
    "nested": [[1, 2], [3, [4]]],
    "mixed": [1, "a", None, True, 2.5, {"k": "v"}],
    "none_list": [],
    "none_map": {},
    "user": {"name": "Bob", "age": 42, "tags": ["x", "y"], "address": {"city": "Köln"}},
    "people": [
        {"name": "Cy", "age": 30, "ok": True},
        {"name": "Di", "age": 25, "ok": False},
        {"name": "Ed", "age": 35, "ok": True},
    ],
    "items": [{"n": "a"}, {"n": "b"}],
    "map": {"b": 2, "a": 1, "C": 3},
    "json": '{"k": [1, 2.5, "ü", null, true]}',
    "num": "42",
    "flt": "3.75",
    "bad": "abc",
}
SCOPE = {"context": CONTEXT, "input": {"task": "mend it", "n": 3}, "output": {"content": "done", "score": 9}}

TEMPLATES = r"""
plain {{ context.name }}
{{ context.name }}{{ context.score }}
a{{ context.yes }}b{{ context.no }}c{{ context.nothing }}d
[{{ context.missing }}]
[{{ context.half }}] [{{ context.pi }}] [{{ context.tiny }}] [{{ context.big }}] [{{ context.neg }}]
[{{ context.xs }}] [{{ context.mixed }}] [{{ context.none_list }}] [{{ context.none_map }}]
[{{ context.user }}]
[{{ context.nested }}]
[{{ context.uni }}] [{{ context.words }}]
x {{ context['name'] }} {{ context["user"]["age"] }}
x {{ context.xs[0] }} {{ context.xs[-1] }} {{ context.xs.0 }} {{ context.nested[1][1][0] }}
x {{ context.xs[9] }}|{{ context.xs['a'] }}
x {{ context.name[0] }} {{ context.name[-1] }} {{ context.uni[7] }} {{ context.uni[11] }}
x {{ context.xs[1:] }} {{ context.xs[:1] }} {{ context.xs[::2] }} {{ context.xs[::-1] }} {{ context.xs[-2:] }}
x {{ context.name[1:] }} {{ context.name[::-1] }} {{ context.uni[7:9] }} {{ context.text[4:9] }}
x {{ context.text[-3:] }} {{ context.text[:-30] }} {{ context.xs[5:] }} {{ context.xs[1:1] }}
x {{ context.nothing.foo }}|{{ context.name.foo }}|{{ context.score.foo }}
x {{ input.task }} {{ input.n }} {{ output.content }} {{ output.score }}
x {{ unknown }}y
x {{ 1 + 2 }} {{ 1 - 2 }} {{ 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}
x {{ 1 / 3 }} {{ 7 / 2 }} {{ 6 / 3 }} {{ 0.1 + 0.2 }} {{ 2 ** 10 }} {{ 2 ** 0.5 }} {{ 2 ** -1 }}
x {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ - context.score }} {{ +3 }}
x {{ 1.5e3 }} {{ 1e-5 }} {{ 0.0001 }} {{ 123.456 }} {{ 5.5 // 2 }} {{ 5.5 % 2 }}
x {{ "a" ~ 1 ~ true ~ none ~ 2.5 }} {{ "a" + "b" }} {{ "ab" * 3 }} {{ 2 * "xy" }} {{ "a" * 0 }}
x {{ "a" ~ context.missing ~ "b" }}
x {{ 1 ~ 2 + 3 ~ 4 }}y
x {{ context.xs + [4] }} {{ [] + [] }} {{ [1, "a", none] }}
x {{ {"a": 1, "b": [true]} }} {{ {} }} {{ {"a": {"b": {"c": 1}}} }}
x {{ 1 < 2 }} {{ 2 <= 2 }} {{ 3 > 4 }} {{ 1 == 1.0 }} {{ "5" == 5 }} {{ 1 != 2 }} {{ "a" < "b" }} {{ "B" < "a" }}
x {{ 0 < context.score < 10 }} {{ 0 < context.score < 8 }} {{ 1 < 2 > 1 == 1 }}
x {{ 2 in context.xs }} {{ 9 in context.xs }} {{ 9 not in context.xs }} {{ "ow" in "brown" }} {{ "name" in context.user }}
x {{ context.xs == [3, 1, 2] }} {{ context.map == {"a": 1, "b": 2, "C": 3} }} {{ [1] == [1.0] }} {{ none == false }}
x {{ true and 5 }} {{ 0 or "d" }} {{ "" or none }} {{ 1 and 2 and 3 }} {{ not 0 }} {{ not context.xs }} {{ not not "a" }}
x {{ not 1 == 2 }} {{ 1 == 1 and 2 == 2 or false }} {{ true or 1 / 0 }} {{ false and 1 / 0 }}
x {{ "yes" if context.yes else "no" }} {{ "yes" if context.no else "no" }} [{{ "yes" if context.no }}]
x {{ 1 if false else 2 if false else 3 }} {{ (1 if true else 2) + 5 }}
x {{ "it's" }} {{ 'say "hi"' }} {{ "tab\tnew\\n\x41\u00e9" }} {{ 'a\'b' }}
x {{ "}}" }} {{ "{{" }} {{ '%}' }}
{{ "a" }}{{ "b" }}
x {{ (1, 2)[0] }} {{ [1, 2,] }} {{ {"a": 1,} }}
x {{ True }} {{ False }} {{ None }} {{ true }} {{ false }} {{ none }}
x {{ context.items }} {{ context.items[1].n }} {{ context.items | length }}
x {{ context.missing | default("d") }} {{ context.nothing | default("d") }} {{ context.empty | default("d") }}|{{ context.empty | default("d", true) }}
x {{ context.zero | d(5) }} {{ context.zero | d(5, boolean=true) }} {{ context.missing | d }}y {{ context.missing | default(default_value=3) }}
x {{ context.missing.deeper | default("d") if false else "ok" }}
x {{ context.xs | length }} {{ context.uni | length }} {{ context.user | count }} {{ context.missing | length }} {{ "" | length }}
x {{ context.name | upper }} {{ context.name | lower }} {{ "ß" | upper }} {{ context.text | title }} {{ context.text | capitalize }}
x {{ "hello wORLD (foo-bar) [baz] it's" | title }} {{ "" | capitalize }}{{ "éa" | capitalize }} {{ 5 | upper }} {{ none | lower }}
x [{{ context.spaced | trim }}] [{{ "xxaxx" | trim("x") }}] [{{ "--a-b--" | trim("-") }}] [{{ 5 | trim }}]
x {{ context.xs | join }} {{ context.xs | join(", ") }} {{ context.words | join("-") }} {{ "abc" | join(",") }} {{ [] | join(",") }}
x {{ context.people | join(", ", attribute="name") }} {{ context.mixed[:4] | join("/") }} {{ context.missing | join(",") }}
x {{ context.xs | first }} {{ context.xs | last }} {{ "abc" | first }} {{ "abc" | last }} [{{ [] | first }}] [{{ [] | last }}]
x {{ "aXbXc" | replace("X", "-") }} {{ "aXbXc" | replace("X", "-", 1) }} {{ "abc" | replace("", "-") }} {{ 515 | replace(5, 6) }}
x {{ "abc" | replace("d", "e") }} {{ "aaa" | replace("aa", "b") }} {{ "abc" | replace("", "-", 2) }}
x {{ "42" | int }} {{ "3.9" | int }} {{ "abc" | int }} {{ "abc" | int(7) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ true | int }} {{ none | int }} {{ " 5 " | int }}
x {{ "ff" | int(0, 16) }} {{ "0x1f" | int(base=16) }} {{ "1010" | int(0, 2) }} {{ "1_000" | int }} {{ "" | int(1) }} {{ "-12" | int }} {{ "1e3" | int }}
x {{ "3.75" | float }} {{ "abc" | float }} {{ "abc" | float(1.5) }} {{ 3 | float }} {{ "1e3" | float }} {{ ".5" | float }} {{ "5." | float }} {{ none | float(2.5) }}
x {{ 5 | string }} {{ true | string }} {{ none | string }} {{ 2.5 | string }} {{ "a" | string }}
x {{ 2.5 | round }} {{ 3.5 | round }} {{ -2.5 | round }} {{ 2.675 | round(2) }} {{ 3.14159 | round(3) }} {{ 0.125 | round(2) }} {{ 0.375 | round(2) }}
x {{ 2.1 | round(0, "ceil") }} {{ 2.9 | round(0, "floor") }} {{ 3.14159 | round(2, "ceil") }} {{ 3.14159 | round(2, method="floor") }} {{ 5 | round }} {{ 42.55 | round(1) }} {{ 1.005 | round(2) }}
x {{ 1234.5 | round(-2) }} {{ 1250 | round(-2) }} {{ 0.5 | round }} {{ 1.5 | round }} {{ -0.4 | round }}y
x {{ -3 | abs }} {{ 2.5 | abs }} {{ context.neg | abs }} {{ (-1.5) | abs }}
x {{ context.xs | sum }} {{ context.people | sum(attribute="age") }} {{ [] | sum }} {{ [1.5, 2] | sum }} {{ context.xs | sum(start=10) }} {{ [[1], [2]] | sum(start=[]) }}
x {{ context.xs | min }} {{ context.xs | max }} {{ context.words | min }} {{ context.words | max }} {{ ["b", "A"] | min(case_sensitive=true) }} [{{ [] | min }}]
x {{ (context.people | max(attribute="age")).name }} {{ (context.people | min(attribute="age")).name }}
x {{ context.xs | sort }} {{ context.xs | sort(reverse=true) }} {{ context.words | sort }} {{ context.words | sort(case_sensitive=true) }} {{ "bca" | sort }}
x {{ context.people | sort(attribute="age") | map(attribute="name") | join(",") }} {{ context.people | sort(true, attribute="name") | map(attribute="name") | join(",") }}
x {{ context.people | sort(attribute="ok,age") | map(attribute="name") | join(",") if false else "" }}|
x {{ [{"a": 1, "b": 2}, {"a": 1, "b": 1}, {"a": 0, "b": 3}] | sort(attribute="a,b") }}
x {{ context.words | unique | list }} {{ [1, 2, 1, 3, 2] | unique | list }} {{ context.words | unique(case_sensitive=true) | join(",") }}
x {{ context.people | unique(attribute="ok") | map(attribute="name") | join(",") }}
x {{ context.xs | reverse | list }} {{ "abc" | reverse }} {{ context.uni | reverse }}
x {{ "abc" | list }} {{ context.map | list }} {{ context.missing | list }} {{ context.xs | list }}
x {{ context.people | map(attribute="name") | list }} {{ context.people | map("length") | list }} {{ context.words | map("upper") | join(" ") }}
x {{ context.people | map(attribute="zzz", default="?") | list }} {{ [{"a": {"b": [7]}}] | map(attribute="a.b.0") | list }} {{ ["a-b", "c-d"] | map("replace", "-", "+") | list }}
x {{ context.xs | select("odd") | list }} {{ context.xs | reject("odd") | list }} {{ [0, 1, "", "a", none] | select | list }} {{ [0, 1, "", "a", none] | reject | list }}
x {{ context.xs | select(">", 1) | list }} {{ context.xs | select("in", [1, 3]) | list }} {{ context.xs | reject("divisibleby", 3) | list }} {{ context.xs | select("eq", 2) | list }}
x {{ context.people | selectattr("ok") | map(attribute="name") | list }} {{ context.people | rejectattr("ok") | map(attribute="name") | list }}
x {{ context.people | selectattr("age", ">", 28) | map(attribute="name") | list }} {{ context.people | rejectattr("age", "ge", 30) | map(attribute="name") | list }} {{ context.people | selectattr("name", "equalto", "Ed") | list | length }}
x {{ context.user | tojson }} {{ context.html | tojson }} {{ context.uni | tojson }} {{ none | tojson }} {{ true | tojson }} {{ 1.5 | tojson }} {{ [] | tojson }}
x {{ context.map | tojson }} {{ context.map | tojson(indent=2) }} {{ context.nested | tojson(2) }} {{ {} | tojson(2) }}
x {{ context.json | fromjson }} {{ (context.json | fromjson).k[1] }} {{ "3" | fromjson + 1 }}
x {{ context.text | truncate(10) }} {{ context.text | truncate(10, true) }} {{ context.text | truncate(12, false, "…") }} {{ context.text | truncate(40) }} {{ context.text | truncate(40, leeway=0) }} {{ "foo bar baz qux" | truncate(9) }} {{ "foo bar baz qux" | truncate(11, false, "...", 0) }}
x {{ context.lines | indent }} {{ context.lines | indent(2, true) }} {{ context.lines | indent(2, first=true, blank=true) }} {{ context.lines | indent("> ") }}
x {{ context.xs | batch(2) | list }} {{ [1, 2, 3, 4, 5] | batch(2, 0) | list }} {{ [1, 2] | batch(2) | list }} {{ [] | batch(2) | list }}
x {{ context.map | items | list }} {{ context.map | dictsort }} {{ context.map | dictsort(true) }} {{ context.map | dictsort(by="value") }} {{ context.map | dictsort(false, "key", true) }}
x {{ "a b/c?d=e&f é'()~!*" | urlencode }} {{ {"a b": "c/d", "n": 1} | urlencode }} {{ [["k", "v w"]] | urlencode }}
x {{ context.html | e }} {{ context.html | escape }} {{ 5 | e }}
x {{ context.text | wordcount }} {{ "a_b c-d é" | wordcount }}
x {{ context.xs | length > 2 }} {{ context.xs | length + 1 }} {{ -3 | abs }} {{ "a" ~ "b" | upper }} {{ ("a" ~ "b") | upper }}
x {{ context.name | upper | lower | title }} {{ [1, [2, 3]] | last | first }}
x {{ context.score is defined }} {{ context.missing is defined }} {{ context.missing is undefined }} {{ unknown is defined }} {{ context.nothing is none }} {{ context.nothing is not none }}
x {{ "a" is string }} {{ 1 is string }} {{ 1 is number }} {{ 1.5 is number }} {{ "1" is number }} {{ 1 is integer }} {{ 1.5 is float }} {{ true is boolean }} {{ 1 is boolean }}
x {{ {} is mapping }} {{ [] is mapping }} {{ [] is sequence }} {{ "a" is sequence }} {{ {} is sequence }} {{ 1 is sequence }} {{ [] is iterable }} {{ 1 is iterable }} {{ "a" is iterable }}
x {{ 4 is even }} {{ 4 is odd }} {{ 3 is odd }} {{ -3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 3 is in [1, 3] }} {{ 3 is not in [1, 3] }} {{ "a" is in "abc" }}
x {{ 1 is eq 1 }} {{ 1 is equalto 2 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 2 is greaterthan 1 }} {{ 2 is lessthan 1 }}
x {{ true is true }} {{ 1 is true }} {{ false is false }} {{ none is none }} {{ "abc" is lower }} {{ "ABC" is upper }} {{ "aBc" is lower }} {{ "1" is lower }} {{ none is sameas none }} {{ 1 is sameas true }}
x {{ context.xs | length is even }} {{ context.xs is defined and context.xs | length == 3 }} {{ not context.score is even }} {{ (context.score is even) == true }}
{% if context.yes %}A{% endif %}
{% if context.no %}A{% else %}B{% endif %}
{% if context.no %}A{% elif context.yes %}B{% else %}C{% endif %}
{% if context.no %}A{% elif context.zero %}B{% elif context.empty %}C{% else %}D{% endif %}
{% if context.missing %}A{% endif %}x
{% if context.xs and not context.none_list %}A{% endif %}
{% if context.none_map %}A{% else %}E{% endif %}
{% if context.score >= 7.5 and context.name == "Ann" %}ok{% endif %}
{% for x in context.xs %}{{ x }},{% endfor %}
{% for x in context.xs %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }}/{{ loop.depth }};{% endfor %}
{% for x in context.none_list %}{{ x }}{% else %}none{% endfor %}
{% for x in context.xs %}{{ x }}{% else %}none{% endfor %}
{% for x in context.missing %}{{ x }}{% else %}none{% endfor %}
{% for c in "héy" %}{{ c }}.{% endfor %}
{% for k in context.map %}{{ k }}={{ context.map[k] }};{% endfor %}
{% for k, v in context.map.items() %}{{ k }}={{ v }};{% endfor %}
{% for k, v in context.map | items %}{{ k }}={{ v }};{% endfor %}
{% for k, v in context.map | dictsort %}{{ k }}={{ v }};{% endfor %}
{% for (a, b) in [[1, 2], [3, 4]] %}{{ a }}-{{ b }} {% endfor %}
{% for x in context.xs if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}
{% for x in context.xs if x > 9 %}{{ x }}{% else %}no{% endfor %}
{% for p in context.people %}{% if p.ok %}{{ p.name }}{% if not loop.last %}, {% endif %}{% endif %}{% endfor %}
{% for row in context.nested %}{% for x in row %}{{ x }}{{ loop.depth }}{% endfor %}|{% endfor %}
{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(2, 8, 2) %}{{ i }}{% endfor %} {% for i in range(3, 0, -1) %}{{ i }}{% endfor %}
{% for i in range(0) %}{{ i }}{% else %}empty{% endfor %}
{% for x in context.xs %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in context.xs %}{{ loop.cycle("odd", "even") }} {% endfor %}
{% for x in context.xs | sort %}{{ x }}{% endfor %}{% for x in context.xs | reverse %}{{ x }}{% endfor %}
{% for x in [1, 2] + [3] %}{{ x }}{% endfor %}
{% set a = 5 %}{{ a }}{{ a + 1 }}
{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}
{% set a = 1 %}{% for x in context.xs %}{% set a = a + x %}{{ a }} {% endfor %}{{ a }}
{% for x in context.xs %}{% set y = x * 2 %}{{ y }} {% endfor %}[{{ y }}]
{% for x in context.xs %}{% if loop.first %}{% set y = 1 %}{% endif %}[{{ y }}]{% endfor %}
{% set a, b = [1, 2] %}{{ b }}{{ a }}
{% set a %}block {{ context.name }}{% endset %}[{{ a }}]{{ a | length }}
{% set name = context.name | upper %}{{ name }} {{ name | length }}
{% if false %}{% set z = 1 %}{% endif %}[{{ z }}]
{% set x = 1 %}{% for x in context.xs %}{{ x }}{% endfor %}{{ x }}
{% set t = context.xs | sum %}{% if t > 5 %}{{ t }}{% endif %}
{% raw %}{{ not.rendered }} {% if %}{# nor this #}{% endraw %}
a {% raw -%}   x {{ y }}   {%- endraw %} b
a  {%- raw %} x {% endraw -%}  b
a {# comment #} b{{ 1 }}
{{ 1 }} a {#- comment -#} b
{# {{ broken {% #}{{ context.name }}!
a  {{- context.name -}}  b
a  {{- context.name }}  b
a  {%- if true %}  x  {%- endif %}  b
a  {% if true -%}  x  {% endif -%}  b
a {%+ if true +%} x {%+ endif +%} b
{%- for x in context.xs -%} {{ x }} {%- endfor -%}
x {{ context.map.items() | list }} {{ context.map.keys() | list }} {{ context.map.values() | list }} {{ context.user.get("age") }} {{ context.user.get("zz", "dd") }} {{ context.user.get("zz") }}
x {{ context.name.upper() }} {{ context.name.lower() }} {{ " a ".strip() }}| {{ "xax".strip("x") }} {{ "  a".lstrip() }} {{ "a  ".rstrip() }}|
x {{ "a,b,c".split(",") }} {{ "a,b,c".split(",", 1) }} {{ " a  b ".split() }} {{ "".split() }} {{ "a b c".split(none, 1) }} {{ "a".split(",") }}
x {{ "a\nb\n".splitlines() }} {{ ", ".join(["a", "b"]) }} {{ "abc".startswith("ab") }} {{ "abc".endswith("ab") }} {{ "abcb".replace("b", "x") }} {{ "abcb".replace("b", "x", 1) }}
x {{ "hello world".title() }} {{ "hELLO".capitalize() }} {{ "abcb".count("b") }} {{ "abc".find("c") }} {{ "abc".find("z") }} {{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }}
x {{ dict(a=1, b=2) }} {{ dict(a=1).a }}
x {{ context.user.address.city }} {{ context.user["address"]["city"] | upper }}
x {{ context.user.tags | join("/") if context.user.tags else "none" }}
x {{ [context.name, input.task] | join(": ") }} {{ {"n": context.name}.n }}
x {{ context.score + input.n * 2 - 1 }} {{ (context.score + input.n) * 2 }} {{ context.score / 2 }} {{ context.half * 2 }}
x {{ context.big * 10 }} {{ context.big // 7 }} {{ context.half // 1 }} {{ 10 % 4.5 }}
x {{ range(5) | list }} {{ range(1, 4) | sum }} {{ range(10) | length }} {{ range(0, 10, 5) | join("-") }}
x {{ context["na" ~ "me"] }} {{ context.xs[context.xs[1]] }} {{ context.xs[-input.n] }} {{ context.map["a"] }}
x {{ context.words | map("lower") | unique | sort | join(" ") }} {{ context.people | map(attribute="age") | sum / context.people | length }}
x {{ context.people | selectattr("ok") | map(attribute="age") | max }} {{ context.mixed | select("number") | list }} {{ context.mixed | select("string") | first }}
x {{ context.uni[0:5] | upper }} {{ context.uni | truncate(9, true, "") }} {{ context.uni | replace("世界", "world") }} {{ "😀" | length }} {{ "😀a"[1] }}
x {{ ["b", "a"] < "c" if false else "s" }} {{ "é" > "z" }} {{ "😀" > "￿" }} {{ "a" < "aa" }}
x {{ 10000000000 }} {{ 1.0 }} {{ 100.50 }} {{ 5 / 1 }} {{ 1e2 }} {{ -0.5 }} {{ 1.23e-7 }} {{ 123456.789e3 }}
x {{ context.nothing or "fallback" }} {{ context.missing or "fallback" }} {{ context.xs or "fallback" }}
x {{ "a" if context.missing is defined else "b" }} {{ context.missing is defined and context.missing.x }} {{ context.user is mapping and "name" in context.user }}
x {{ context.text | upper | replace(" ", "_") | truncate(12, true, "") }} {{ context.text.split() | length }} {{ context.text.split() | map("length") | max }}
"""

# Templates with line breaks in them, each as one case.
BLOCKS = [
    "line one\nline {{ context.name }}\n",
    "line one\r\nline {{ context.name }}\r\n",
    "trailing {{ context.name }}\n\n",
    "{% for p in context.people %}\n- {{ p.name }}: {{ p.age }}\n{% endfor %}\ndone",
    "{% for p in context.people -%}\n- {{ p.name }}\n{% endfor -%}\n  done",
    "{%- for p in context.people %}\n- {{ p.name }}\n{%- endfor %}\ndone",
    "{% if context.yes %}\nyes\n{% else %}\nno\n{% endif %}\n",
    "  {%- if context.yes -%}\n   yes\n  {%- endif -%}  \nend",
    "{{ context.name\n   | upper }}\n!",
    "a\n  {# a\n comment #}\nb {{ 1 }}",
    "{% set rows = [\n  1,\n  2,\n] %}{{ rows | sum }} {% raw %}\n{{ x }}\n{% endraw %}\n",
    "a\n\n{{- 'x' -}}\n\nb",
]

# Values that a template gives natively when it is one `{{ }}`; recorded by evaluating the expression itself.
NATIVE = r"""
context.name
context.score
context.xs
context.user
context.yes
context.nothing
context.score + 1
context.score / 16
context.xs | sort
context.people | map(attribute='name') | list
context.people | selectattr('ok') | list
context.words | join(',')
context.score > 3 and context.name
context.name == 'Ann'
context.none_list or 'x'
{"a": context.xs, "b": [1, {"c": none}]}
context.user.tags[0]
context.xs[1:]
context.json | fromjson
context.num | int + 1
context.flt | float
context.mixed
'output.txt'
1 if context.no else [1]
context.items[0]
not context.no
context.map.values() | sum
range(3) | list
(context.people | first).age
"""

# Simple expressions: Python evaluates them over dicts whose attributes are their entries.
SIMPLE = r"""
context.score
context.score == 8
context.score == 8.0
context.score != 8
context.score >= 7.5
context.score < context.half
context.num == 42
context.num == "42"
0 < context.score < 10
0 < context.score < 8
10 > context.score > 5 != 4
context.score + 1
context.score - 1.5
context.score * 2 + 1
context.score / 4
context.score / 3
context.score % 3
-context.score % 3
context.score % -3
-context.score
--context.score
1 - -1
2 + 3 * 4
(2 + 3) * 4
2 * 3 % 4
7.5 % 2
0.1 + 0.2
10 - 4 - 3
100 / 10 / 5
"a" + "b"
"ab" * 2
[1] + [2, 3]
"a" < "b"
"B" < "a"
"é" > "z"
"a" in "abc"
"d" not in "abc"
2 in context.xs
9 in context.xs
9 not in context.xs
"name" in context.user
"zzz" in context.user
context.name in ["Ann", "Bob"]
[1, 2] == [1, 2]
[1, 2] == [1, 2.0]
[1, 2] != [2, 1]
context.user["name"]
context["user"]["name"]
context.user.tags[0]
context.user.tags[-1]
context.xs[0] + context.xs[1]
context.nested[1][1][0]
context.xs == [3, 1, 2]
context.items[1].n
context.nothing == None
context.nothing != None
context.name != None
True
False
None
not True
not context.none_list
not context.name == "Bob"
not not context.score
not (context.yes and context.no)
True == True
None == False
"" == None
[] == None
context.user == {} if False else 1 == 1
'it\'s' == "it's"
"tab\t" == 'tab\t'
"\u00e9" == "é"
1 == 1 == 1
1 < 2 == 2
3 > 2 in [2]
1 in [1] == True
-2 * -3
- (1 + 2)
1e3 + .5 if False else 1e3
1.5e-3
"x" * 0
context.uni == "Grüße, 世界 😀!"
"😀" > "￿"
context.empty == ""
"" in "abc"
context.score in [1, 8.0]
[[1]] == [[1]]
[1, [2, 3]][1][0]
input.n + output.score
(((1)))
context.pi > 3.14
1 + 1 == 2 and 2 + 2 == 4
"""


class Keyed(Environment):
    """Keys win over methods: `context.items` is the entry of that name."""

    def getattr(self, obj, attribute):
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            return self.undefined(obj=obj, name=attribute) if attribute not in METHODS else getattr(obj, attribute)
        return super().getattr(obj, attribute)


METHODS = {"items", "keys", "values", "get"}


def plain(value):
    """Integral floats as integers, at any depth; generators and views as lists."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e16 else value
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(v) for v in value]
    return value


def finalize(value):
    value = plain(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def environment():
    env = Keyed(finalize=finalize)
    env.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False}
    env.filters["fromjson"] = json.loads
    # Text made inside an expression spells integral floats as finalize does.
    env.filters["string"] = lambda value: str(plain(value))
    return env


class Entries(dict):
    """A dict whose attributes are its entries, for Python's own evaluation."""

    __getattribute__ = lambda self, key: wrap(self[key]) if key in self else dict.__getattribute__(self, key)
    __getitem__ = lambda self, key: wrap(dict.__getitem__(self, key))


def wrap(value):
    if isinstance(value, dict):
        return Entries(value)
    return [wrap(v) for v in value] if isinstance(value, list) else value


def cases(text):
    return [line for line in text.strip("\n").split("\n") if line]


def main():
    env = environment()
    templates = []
    for source in cases(TEMPLATES) + BLOCKS:
        try:
            templates.append({"template": source, "text": env.from_string(source).render(SCOPE)})
        except UndefinedError as error:
            raise SystemExit(f"{source}: {error}")
    # Every output of a line is a case of its own as well.
    singles = []
    for line in cases(TEMPLATES):
        if "{%" in line or line.startswith("{{") or "{#" in line:
            continue
        for part in outputs(line):
            singles.append({"template": f"[{part}]", "text": env.from_string(f"[{part}]").render(SCOPE)})
    native = []
    for source in cases(NATIVE):
        value = env.compile_expression(source, undefined_to_none=True)(**SCOPE)
        native.append({"expression": source, "value": plain(value)})
    simple = []
    for source in cases(SIMPLE):
        if " if False else " in source:
            continue
        names = {name: wrap(value) for name, value in SCOPE.items()}
        value = eval(source, {"__builtins__": {}}, names)  # noqa: S307 - the sources are the ones above
        simple.append({"expression": source, "value": plain(value)})
    data = {"scope": SCOPE, "templates": templates + singles, "native": native, "simple": simple}
    target = HERE / "jinja.json"
    target.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(templates)} + {len(singles)} templates, {len(native)} native, {len(simple)} simple expressions")


def outputs(line):
    """The `{{ … }}` of a line, minding quotes."""
    parts, start, quote, i = [], None, None, 0
    while i < len(line):
        char = line[i]
        if start is None:
            if line.startswith("{{", i):
                start, i = i, i + 1
        elif quote:
            if char == "\\":
                i += 1
            elif char == quote:
                quote = None
        elif char in "\"'":
            quote = char
        elif line.startswith("}}", i) and line[start:i].count("{") == line[start:i].count("}") + 2:
            parts.append(line[start : i + 2])
            start, i = None, i + 1
        i += 1
    return parts


if __name__ == "__main__":
    main()
