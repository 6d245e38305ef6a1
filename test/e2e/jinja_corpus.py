"""What a template can be made of: right, wrong and odd."""

VALUES = """
1 + 2 * 3 - 4 | 7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3 | 2 ** 10 | 2 ** -1 | 7 / 2 | 1.5 + 1 | 1e3 | 1e16, 1e-5, 0.1 + 0.2, 1e22 |
5.0 // 2, -5.5 // 2, 5.5 % 2, -5.5 % 2 | -3 | +true | --3 | -2 ** 2 | 1_000 | 10 / 5 | 1 / 0 | 1 % 0 | 'a' + 'b' | 'a' ~ 1 ~ none ~ true |
'a' + 1 | 1 + 'a' | 'ab' * 3 | 3 * 'ab' | 'a' * -1 | [1] + [2] | [1, 2] * 2 | (1, 2) + (3,) | [1] + (2,) | 'a' 'b' "c" | 1 ~ 2 + 3 | 1 + 2 ~ 3 |
true and 1 | 0 or 'x' | none or false | not 0 | not not 'a' | 1 if true else 2 | 1 if false | 'x' if 0 else 'y' if 1 else 'z' |
1 < 2 < 3 | 1 < 3 < 2 | 1 == 1.0 | true == 1 | 'a' < 'b' | 'a' < 1 | [1, 2] < [1, 3] | [1] == [1.0] | {'a': 1} == {'a': 1} | none == none | none < 1 |
1 != 2 | 'a' != 'a' | 2 >= 2 | 2 <= 1 | 'a' in 'cab' | 'x' not in 'cab' | 1 in [1, 2] | 'a' in {'a': 1} | 1 in 'a' | 1 in none | 1 in missing |
[1, 'a', none, true, 1.5] | (1,) | () | {'a': [1, {'b': none}]} | ["it's", 'a "b"', 'both \\' "', '\\n\\t\\\\'] | {1: 2, 'x': (1, 2)} | {'a': 1, 'a': 2} |
'abc'[0] | 'abc'[-1] | 'abc'[5] | 'añ日😀'[2] | 'añ日😀'[::-1] | 'abcdef'[1:4], 'abcdef'[:-2], 'abcdef'[-3:], 'abcdef'[::2], 'abcdef'[4:1:-1] |
[1, 2, 3][1:] | [1, 2, 3][::-1] | [1, 2, 3][5:1] | (1, 2, 3)[:2] | 'abc'[:0] | [1][-5:5] | 'abc'[::0] | [1, 2, 3][none:2] | {'a': 1}['a'] | {'a': 1}.a | {'a': 1}.b | {'a': 1}['b'] |
[[1, 2], 3].0.1 | {'items': 1}.items is callable | {'items': 1}['items'] | missing | missing.a | missing[0] | missing + 1 | missing ~ 'a' | missing() | missing == missing | -missing |
missing is defined, missing is undefined, none is defined, none is none | 'a' is string, 1 is string | {} is mapping, [] is mapping |
[] is iterable, 'a' is iterable, 1 is iterable, {} is iterable | [] is sequence, {} is sequence, 1 is sequence | 1 is number, 1.5 is number, 'a' is number, true is number |
1 is integer, true is integer, 1.0 is integer | 1.0 is float | true is boolean, 1 is boolean | true is true, 1 is true, false is false | 3 is odd, 3 is even, 4 is even | 9 is divisibleby 3, 9 is divisibleby(2) |
1 is eq 1, 1 is ne 1, 1 is lt 2, 1 is le 1, 1 is gt 2, 1 is ge 1 | 1 is in [1], 2 is in([1]) | none is sameas none, true is sameas true | 'a' is not string | 1 is not defined | not missing is defined |
'A' is upper, 'a' is lower, 'aA' is lower | range is callable | 'a' is equalto 'a' | missing is string | missing is iterable | 1 is odd is string |
' a b '|trim ~ '|' | 'xaxx'|trim('x') | ' a '|trim|upper|lower | 'hello world'|title | 'hELLO wORLD'|capitalize | 'abc'|length, [1, 2]|count, {'a': 1}|length | 5|length | missing|length | none|length |
'a-b-c'|replace('-', '+') | 'aaa'|replace('a', 'b', 2) | 'abc'|replace('', '-') | [1, 2, 3]|join(', ') | [1, none, 'a']|join | {'a': 1, 'b': 2}|join('-') | [{'n': 1}, {'n': 2}]|join(',', attribute='n') |
'abc'|join('-') | missing|default('x') | none|default('x') | none|default('x', true) | ''|d('x', boolean=true) | 0|default(1) | 'a'|default | missing|default |
[1, 2]|first | [1, 2]|last | []|first | 'abc'|first, 'abc'|last | [3, 1, 2]|sort | ['b', 'A', 'c']|sort | ['b', 'A', 'c']|sort(case_sensitive=true) | [3, 1, 2]|sort(reverse=true) | [{'k': 2}, {'k': 1}]|sort(attribute='k') | [1, 'a']|sort |
{'b': 1, 'a': 2}|dictsort | {'b': 1, 'a': 2}|dictsort(by='value', reverse=true) | {'a': 1}|items|list | {'a': 1}.items()|list | {'a': 1}.keys()|list, {'a': 1}.values()|list | {'a': 1}.get('a'), {'a': 1}.get('b'), {'a': 1}.get('b', 3) |
[1, 2, 2, 1]|unique|list | ['a', 'A']|unique|list | [1, 2, 3]|sum | [{'a': 1}, {'a': 2}]|sum('a') | [1, 2]|sum(start=10) | [3, 1]|min, [3, 1]|max | []|max | ['a', 'B']|max | [1, 2, 3]|reverse|list | 'abc'|reverse | 'añ😀'|reverse |
[1, 2]|map('string')|join('+') | [{'a': 1}, {'b': 2}]|map(attribute='a')|list | [{'a': 1}, {}]|map(attribute='a', default='-')|list | [{'a': {'b': 5}}]|map(attribute='a.b')|list | [[1, 2]]|map(attribute=1)|list | [' a ', 'b ']|map('trim')|list | ['a']|map('replace', 'a', 'b')|list |
[0, 1, 2]|select|list | [0, 1, 2]|reject|list | [1, 2, 3]|select('odd')|list | [1, 2, 3]|reject('gt', 1)|list | [{'r': 'u'}, {'r': 'a'}]|selectattr('r', 'equalto', 'u')|list | [{'r': 'u'}, {'r': 'a'}]|rejectattr('r', 'eq', 'u')|list | [{'r': 1}, {}]|selectattr('r')|list | [{'r': 1}, {}]|selectattr('r', 'defined')|list |
none|select|list | none|map('upper')|list | ([1]|select) and 'yes' | [0]|select('eq', 5) and 'yes' | [1]|select|length | 'abc'|list | (1, 2)|list | 1|list | missing|list | none|list |
'12'|int + 1 | 'x'|int | 'x'|int(7) | ' 5 '|int | '1.9'|int | 2.7|int | true|int | none|int(3) | '1.5'|float | 'x'|float | 3|float | -3|abs, -1.5|abs | 5|string ~ 'a' | true|string |
{'a': [1, 2.5, none, true, 'é"\\\\\\n/']}|tojson | [1, {'a': []}, {}]|tojson(indent=2) | 'é😀\\x01'|tojson(ensure_ascii=true) | {'b': 1, 'a': 2}|tojson(sort_keys=true) | [1, 2]|tojson(separators=(',', ':')) | 'a'|tojson ~ 'b' | missing|tojson | []|tojson(indent=4) | 1e16|tojson |
'a\\nb\\n\\nc'|indent | 'a\\nb'|indent(2, true) | 'a\\n\\nb'|indent(1, blank=true) | 'a\\nb'|indent('> ') | 'a\\n'|indent |
' a '.strip() ~ '|', ' a '.lstrip() ~ '|', ' a '.rstrip() ~ '|' | 'xxaxx'.strip('x') | '\\n a \\n'.strip('\\n') ~ '|' | '\\u3000a\\u00a0\\x1f'.strip() ~ '|' | 'é日aé'.strip('日é') | 'a b  c'.split() | ' a  b '.split(' ') | 'a,b,c'.split(',', 1) | 'a,b,c'.rsplit(',', 1) | 'a b c d'.split(none, 2) | '  a  b  '.split(none, 1) | 'a'.split('') | ''.split(',') | ''.split() |
'abc'.startswith('a'), 'abc'.endswith('bc'), 'abc'.startswith(('x', 'a')) | 'a'.startswith(1) | 'abc'.find('c'), 'abc'.find('x'), 'é日c'.find('c'), 'abca'.rfind('a') | 'abc'.index('x') | 'aaaa'.count('aa'), 'abc'.count('') | 'abc'.replace('b', 'x') | 'aaa'.replace('a', 'b', 1) | 'aBc'.upper(), 'aBc'.lower(), 'a bc'.title(), 'aBC'.capitalize() | "they're bill's".title() |
'-'.join(['a', 'b']) | '-'.join([1]) | 'ab12'.isalnum(), 'ab'.isalpha(), '12'.isdigit(), ' '.isspace(), ''.isdigit(), 'AB'.isupper(), 'ab1'.islower() | 'prefix-a'.removeprefix('prefix-'), 'a.txt'.removesuffix('.txt'), 'a'.removeprefix('b') | 'a\\nb\\r\\nc'.splitlines() | 'a\\n'.splitlines() | '{} {}'.format(1, 'b') | '{0}{1}{0}'.format('a', 2) | '{x}'.format(x=3) | '{{}}'.format() | '{} {}'.format(1) |
[1, 2, 1].count(1), [1, 2].index(2) | [1].index(5) | range(3)|list | range(1, 10, 3)|list | range(3, 0, -1)|list | range(0)|list | dict(a=1, b=2) | dict({'a': 1}, b=2) | namespace(a=1).a | namespace(a=1).b | namespace(a=1)['a'] |
'\\x41\\u00e9\\U0001F600\\101\\q' | 'a\\
b' | "\\"" | '\\'' | 1.5.a | 'a'.b | 1['a'] | (1).a | none.a | none.a.b | true.x | [1].x | 'a'|upper() | ('a')|upper | 'a b'|replace(' ', '')|upper | - 'a' | not 'a' == 'b' | 1 + 1 == 2 and 'a' in 'ab' | 'a' if missing else 'b' | [1, 2, 3,] | {'a': 1,} | (1, 2,) |
bos_token ~ eos_token | pad_token | tools is none, documents is none | messages[0]['role'] | messages[0].content|length | messages[0] == {'role': 'user', 'content': messages[0].content} | 'content' in messages[0] | messages[0].keys()|list | messages[-1:]|map(attribute='role')|list | messages[0]|tojson |
add_generation_prompt | raise_exception('x') | messages.append(1) | 'a'.encode | 1|nonsense | 1 is nonsense | nonsense(1) | 'é'.upper | 1 2 | a b | 'a'.'b' | 1 + | (1 | [1 | {1} | {'a'} | a. | | 1 is | 1 1 + | 1 if | * 1 | if | 'a | f(a=1, 2) | f(*a)
"""
# An operator of Jinja is not between spaces here, so these are between the expressions.
EXPRESSIONS = [text.strip("\n") for text in VALUES.strip().replace(" |\n", " | ").split(" | ")]

STATEMENTS = [
    "{% for i in [1, 2, 3] %}{{ loop.index }},{{ loop.index0 }},{{ loop.revindex }},{{ loop.revindex0 }},{{ loop.first }},"
    "{{ loop.last }},{{ loop.length }},{{ loop.depth }},{{ loop.previtem }},{{ loop.nextitem }};{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}{% for i in [1] %}x{% else %}none{% endfor %}",
    "{% for i in range(10) if i is odd %}{{ i }}/{{ loop.length }} {% endfor %}",
    "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% elif i == 5 %}{% break %}{% else %}{{ i }}{% endif %}{% endfor %}",
    "{% for a, b in {'x': 1, 'y': 2}.items() %}{{ a }}={{ b }};{% endfor %}{% for a, b in [(1, 2), [3, 4]] %}{{ a + b }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.depth }}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for i in 'ab' %}{{ loop.cycle('x', 'y') }}{{ loop.changed(i) }}{{ loop.changed(1) }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}",
    "{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% set ns.m = i %}{% endfor %}{{ ns.n }}{{ ns.m }}",
    "{% set x.y = 1 %}", "{% set x = {} %}{% set x.y = 1 %}", "{% set none = 1 %}", "{% set a, b = 1 %}", "{{ loop }}",
    "{% set x %}a{{ 1 + 1 }}b{% endset %}{{ x | upper }}{% set y | upper | replace('A', 'z') %}abc{% endset %}{{ y }}",
    "{% macro m(a, b='x', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% set x = 1 %}{% macro m() %}{{ x }}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{% set x = 2 %}{{ m() }}{{ x }}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}x{% endmacro %}{{ m() is string }}{{ m() ~ m() }}{{ [m()] }}{{ m is callable }}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}",
    "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}",
    "{% filter upper | replace('A', 'b') %}a{{ 'c' }}{% endfilter %}",
    "{% generation %}a{% set q = 1 %}{{ q }}{% endgeneration %}{{ q }}",
    "{% raw %}{{ a }} {% if %}{% endraw %}|{%- raw -%}  x {{ {%- endraw -%} y", "a {# {{ b }} #} c {#- d -#} e",
    "{% if 0 %}a{% elif none %}b{% elif 'x' %}c{% else %}d{% endif %}", "{% if missing %}a{% else %}b{% endif %}",
    "{% if missing.a %}a{% endif %}", "{% set g = [1, 2] | select %}{% for i in g %}{{ i }}{% endfor %}{% for i in g %}{{ i }}{% endfor %}|",
    "{% for m in messages %}{{ m.role }}:{{ m['content'] | trim }}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for i in 5 %}{% endfor %}",
    "{% for i in missing %}x{% else %}y{% endfor %}", "{% break %}", "{% if 1 %}", "{% endif %}", "{% for i in [1] %}{% endif %}", "{% else %}",
    "{% unknown %}", "{{ }}", "{% %}", "{% set %}", "{% for %}", "}} %} #}", "{ { } }", "{", "{{", "a\n",
    "a\n\n", "\n", "", "a\r\nb\rc\n", "{{ 'a' }}\n", "{% if 1 %}\na\n{% endif %}\n", "  {% if 1 %}  \n  a\n  {% endif %}  \nb",
]
