#!/usr/bin/env python3
"""What transformers renders for one user turn: templates of our own in the manner of each family, small ones for every
part of the language, and two published ones (only what they render).

  python3 -m venv venv && venv/bin/pip install transformers==4.57.6 jinja2 gguf
  venv/bin/python make_chats.py chats.json shared/data/tokenizers/qwen2.5-tokenizer_config.json models/SmolLM2*.gguf
"""

import json
import sys

from transformers.utils.chat_template_utils import render_jinja_template

FAMILIES = {
    "chatml": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are helpful.<|im_end|>
' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}""",
    "qwen2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}
        {{- tool | tojson }}
    {%- endfor %}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are small.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {{- message.content | tojson }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "qwen3": """{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == "user" %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif '</think>' in content %}
        {{- content.split('</think>')[-1].lstrip('\\n') }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "qwen3-thinking": """{%- for message in messages %}{{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}""",
    "llama-3": """{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}""",
    "llama-3.1": """{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{#- the first message of the system, if any #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none and builtin_tools is defined %}
    {{- "Tools: " + builtin_tools | reject('equalto', 'code') | join(", ") + "\\n" }}
{%- endif %}
{{- "Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "llama-2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "mistral-0.1": """{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}""",
    "mistral-0.3": """{%- set user_messages = messages | selectattr("role", "equalto", "user") | list %}
{{- bos_token }}
{%- for message in messages | rejectattr("role", "equalto", "system") %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
}
TEXT = "{{ messages[0].content }}"
PARTS = {
    "blanks": " a \n  {% if true %}  \n b {{ 1 }}\n{%- if true -%}  \n c \n {%+ endif +%}\n  {% endif %}\n\n" + TEXT + "\n\n",
    "blanks after output": "{{ 1 }}\n  {% if true %}\n{{ 2 -}}  \n {{- 3 }} \n{% endif %}" + TEXT,
    "blanks after text": "x {% if true %}\ty{% endif %} \n\t {# z #} \n" + TEXT,
    "comments": "{# {{ 'no' }} {% if %} #}\n{#- a -#}  b {# c #}\n" + TEXT,
    "line ends": "a\r\nb\r\n{% if true %}\r\nc{% endif %}\r\n" + TEXT,
    "strings": r"""{{ 'it\'s' + "a \"b\"" + '\t\\n\n\x41\u00e9\q' 'and' 'more' }}""" + TEXT,
    "braces": "{{ {'a': {'b': 1}}['a']['b'] }}{{ '}}' }}{% set x = '%}' %}{{ x }} { { } }" + TEXT,
    "numbers": "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 7 / 2 }} {{ 1.5 + 1 }} {{ 2 * -1 }}" + TEXT,
    "comparison": "{{ 1 < 2 }} {{ 2 <= 1 }} {{ 'a' == 'a' }} {{ 1 != 1 }} {{ 'b' > 'a' }} {{ 1 in [1, 2] }} {{ 'x' not in 'abc' }} {{ 'k' in {'k': 1} }} {{ none == none }}" + TEXT,
    "logic": "{{ true and not false or missing }} {{ '' or 'b' }} {{ 'a' and 'b' }} {{ not missing }} {{ 1 if missing else 2 }} {{ 'x' if false }}|" + TEXT,
    "order": "{{ not 1 == 2 }} {{ 'a' ~ 1 * 2 ~ 3 }} {{ 'a' + 'b' ~ 'c' }} {{ 'a' + 'b' | upper }} {{ 1 + 1 == 2 and 3 > 2 }} {{ not missing is defined }}" + TEXT,
    "tests": "{{ missing is defined }} {{ missing is undefined }} {{ none is none }} {{ 'a' is string }} {{ [] is iterable }} {{ {} is mapping }} {{ 1 is number }} {{ true is true }} {{ false is not false }} {{ 3 is odd }} {{ 4 is even }} {{ 'a' is equalto('a') }} {{ 1 is integer }} {{ true is boolean }}" + TEXT,
    "filters": "{{ ' a ' | trim }}|{{ [1, 2] | length }}|{{ 'aB c' | upper }}|{{ 'aB' | lower }}|{{ 'heLLO world' | capitalize }}|{{ 'heLLO world-x' | title }}|{{ missing | default('d') }}|{{ '' | default('d', true) }}|{{ [1, 'b'] | join(', ') }}|{{ 'abab' | replace('a', 'x') }}|{{ [1, 2] | first }}|{{ [1, 2] | last }}|{{ 5 | string }}" + TEXT,
    "methods": "{{ ' a '.strip() }}|{{ 'xaxx'.rstrip('x') }}|{{ 'xaxx'.lstrip('x') }}|{{ 'a,b,c'.split(',')[1] }}|{{ 'abc'.startswith('ab') }}|{{ 'abc'.endswith('ab') }}|{{ 'a b'.title() }}|{{ 'aa'.replace('a', 'b') }}|{{ {'a': 1}.get('b') }}|{{ {'a': 1}.get('a', 2) }}|{% for k, v in {'x': 1}.items() %}{{ k }}={{ v }}{% endfor %}" + TEXT,
    "items": "{{ [1, 2, 3][-1] }} {{ [1, 2, 3][7] }} {{ 'héllo'[1] }} {{ messages[0].none }} {{ [1, 2, 3][1:][0] }} {{ 'abcdef'[1:4] }} {{ 'abcdef'[::-2] }} {{ 'abc'[-2:] }} {{ 'abc'[:99] }} {{ (1, 2)[1] }} {{ [4, 5, 6][:-1] | length }}" + TEXT,
    "loops": "{% for x in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}{% for x in [] %}x{% else %}none{% endfor %}{% for x in [1, 2, 3, 4] if x is even %}{{ x }}{{ loop.index }}{% endfor %}{% for x in 'ab' %}{{ x }}.{% endfor %}{% for k in {'q': 1} %}{{ k }}{% endfor %}" + TEXT,
    "nested loops": "{% for x in [1, 2] %}{% for y in ['a', 'b'] %}{{ loop.index }}{{ x }}{{ y }}{% endfor %}{{ loop.index }}{% endfor %}" + TEXT,
    "set": "{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}{% for x in [1, 2] %}{{ b }}{% set a = 9 %}{% set b = x %}{{ a }}{{ b }}{% endfor %}{{ a }}{{ b }}{% set c %}x{{ a }}{% endset %}{{ c }}" + TEXT,
    "namespace": "{% set ns = namespace(found=false, n=0) %}{% for x in [1, 2] %}{% set ns.n = ns.n + x %}{% if x == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}" + TEXT,
    "unused parts": "{% macro tool(x, y='a') %}{{ x }}{% endmacro %}{% if tools %}{{ tools | tojson(indent=4) }}{{ f(1) }}{% endif %}{% generation %}{{ 1 }}{% endgeneration %}" + TEXT,
    "no date of today": "{% if today is defined %}{{ today('%d') }}{% else %}26 Jul 2024{% endif %}" + TEXT,
}
TEXTS = [" What is\n the \u00e9nd?\n ", "{{ x }} <|im_end|>"]


def render(template, text):
    return render_jinja_template([[{"role": "user", "content": text}]], chat_template=template, add_generation_prompt=True,
                                 bos_token="<s>", eos_token="</s>")[0][0]


def main():
    out, qwen, smollm2 = sys.argv[1:4]
    import gguf

    published = {"qwen2.5": json.load(open(qwen))["chat_template"],
                 "smollm2": gguf.GGUFReader(smollm2).fields["tokenizer.chat_template"].contents()}
    cases = lambda templates: [{"name": n, "template": t, "rendered": [render(t, x) for x in TEXTS]}
                               for n, t in templates.items()]
    result = {"texts": TEXTS, "families": cases(FAMILIES), "parts": cases(PARTS),
              "published": {n: [render(t, x) for x in TEXTS] for n, t in published.items()}}
    with open(out, "w") as file:
        json.dump(result, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
