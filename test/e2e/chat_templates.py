"""Chat templates with the structure of the families' own, written for these tests.

A family is its template, bos_token, eos_token and which openings of a conversation it refuses (or rather: which cannot
be compiled) of "plain" (no system message), "empty" (one without content) and "system"."""

ALTERNATES = ("{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
              "{{ raise_exception('Roles must alternate: user, assistant, …') }}{% endif %}")
CHATML = "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
CHATML_ASKS = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"


def chatml_with_default(system):
    return ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
            "{{ '<|im_start|>system\n" + system + "<|im_end|>\n' }}{% endif %}" + CHATML + "{% endfor %}" + CHATML_ASKS)


# The system message is part of the first user message, contents are stripped where that leaves an end.
LLAMA_2 = """\
{%- if messages[0].role == 'system' -%}
  {%- set rest, system = messages[1:], messages[0].content -%}
{%- else -%}
  {%- set rest, system = messages, none -%}
{%- endif -%}
{%- for message in rest -%}
  """ + ALTERNATES + """
  {%- if message.role == 'user' -%}
    {%- set text = message.content -%}
    {%- if loop.first and system is not none %}{% set text = '<<SYS>>\\n' ~ system ~ '\\n<</SYS>>\\n\\n' ~ text %}{% endif -%}
    {{- bos_token + '[INST] ' + text.strip() + ' [/INST]' -}}
  {%- else -%}
    {{- ' ' + message.content | trim + ' ' + eos_token -}}
  {%- endif -%}
{%- endfor -%}
"""

LLAMA_3 = ("{% for m in messages %}{% set text = '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\n\n' ~ m.content | trim"
           " ~ '<|eot_id|>' %}{{ (bos_token if loop.first else '') ~ text }}{% endfor %}"
           "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")

# Always has a system part, with a date in it.
LLAMA_3_DATED = """\
{{- bos_token }}
{%- if not tools is defined %}{% set tools = none %}{% endif %}
{%- if not date_string is defined %}
    {%- set date_string = DATE %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_text = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_text = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Tools: " ~ tools | tojson(indent=4) }}
{%- endif %}
{{- "Known until: December 2023\\nToday: " + date_string + "\\n\\n" }}
{{- system_text }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

MISTRAL_V1 = ("{{ bos_token }}{% for message in messages %}" + ALTERNATES +
              "{% if message.role == 'user' %}{{ '[INST] ' + message.content + ' [/INST]' }}"
              "{% else %}{{ message.content + eos_token }}{% endif %}{% endfor %}")

# The system message is part of the last user message, so it moves as a conversation grows.
MISTRAL_V3 = """\
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(turn=0) %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message.role == "user") != (ns.turn % 2 == 0) %}{{ raise_exception("Roles must alternate") }}{% endif %}
    {%- set ns.turn = ns.turn + 1 %}
    {%- if message.role == "user" %}
        {%- if loop.last and system_message is defined or message == user_messages[-1] and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.role == "assistant" %}
        {{- " " + message["content"] | trim + eos_token }}
    {%- endif %}
{%- endfor %}
"""

MISTRAL_V7 = """\
{%- set default = "You are Le Test, and today is " + strftime_now("%Y-%m-%d") + "." -%}
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}
  {%- if messages[0].content is string -%}
    {%- set text = messages[0].content -%}
  {%- else -%}
    {%- set text = messages[0].content[0].text -%}
  {%- endif -%}
  {%- set rest = messages[1:] -%}
{%- else -%}
  {%- set text = default -%}
  {%- set rest = messages -%}
{%- endif -%}
{{- '[SYSTEM_PROMPT]' + text + '[/SYSTEM_PROMPT]' -}}
{%- for message in rest -%}
  {%- if message['role'] == 'user' -%}
    {%- if message['content'] is string -%}
      {{- '[INST]' + message['content'] + '[/INST]' -}}
    {%- else -%}
      {%- for block in message['content'] -%}{{- block['text'] if block['type'] == 'text' else '[IMG]' -}}{%- endfor -%}
    {%- endif -%}
  {%- elif message['role'] == 'assistant' -%}
    {{- message['content'] + eos_token -}}
  {%- else -%}
    {{- raise_exception('Only user, system and assistant') -}}
  {%- endif -%}
{%- endfor -%}
"""

# Thoughts are cut from replies of the past; the last reply gets empty ones.
QWEN_3 = """\
{%- if tools %}
    {{- 'tools: ' + tools | tojson }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(searching=true, last_query=messages | length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages | length - 1) - loop.index0 %}
    {%- if ns.searching and message.role == "user" and message.content is string and not(message.content.startswith('<answer>') and message.content.endswith('</answer>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set thoughts = '' %}
        {%- if '</think>' in content %}
            {%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query and (loop.last or thoughts) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + thoughts.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""

GEMMA = ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('There is no system role') }}{% endif %}"
         "{% for message in messages %}" + ALTERNATES +
         "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
         "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}")

GEMMA_3 = """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set prefix = (messages[0]['content'] if messages[0]['content'] is string else messages[0]['content'][0]['text']) + '

' -%}
    {%- set rest = messages[1:] -%}
{%- else -%}
    {%- set prefix, rest = "", messages -%}
{%- endif -%}
{%- for message in rest -%}
    """ + ALTERNATES + """
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '
' + (prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}{{ item['text'] | trim }}{%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
"""


def roles(mark, end, asks, first="", last=""):
    """<|user|> … <|end|>: a mark for each role."""
    return (first + "{% for message in messages %}{% if message['role'] == 'user' %}\n{{ '" + mark.format("user") +
            "\n' + message['content'] + " + end + " }}\n{% elif message['role'] == 'system' %}\n{{ '" + mark.format("system") +
            "\n' + message['content'] + " + end + " }}\n{% elif message['role'] == 'assistant' %}\n{{ '" +
            mark.format("assistant") + "\n' + message['content'] + " + end + " }}\n{% endif %}\n"
            "{% if loop.last and add_generation_prompt %}\n{{ '" + asks + "' }}\n{% endif %}\n{% endfor %}" + last)


PHI_3 = ("{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}"
         "{{ '<|system|>\n' + message['content'] + '<|end|>\n' }}{% elif message['role'] == 'user' %}"
         "{{ '<|user|>\n' + message['content'] + '<|end|>\n' }}{% elif message['role'] == 'assistant' %}"
         "{{ '<|assistant|>\n' + message['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}")

PHI_4 = ("{% for m in messages %}{{ '<|im_start|>' + m.role + '<|im_sep|>' + m.content + '<|im_end|>' }}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}")

SMOLLM_3 = """\
{%- set thinks = enable_thinking is not defined or enable_thinking -%}
{%- if messages[0].role == "system" -%}
  {%- set instructions = messages[0].content.replace("/think", "").rstrip() -%}
{%- else -%}
  {%- set instructions = "You are a test." -%}
{%- endif -%}
{{- "<|im_start|>system\\n## Metadata\\n\\nToday Date: " ~ strftime_now("%d %B %Y") ~ "\\n" -}}
{{- "Reasoning Mode: " ~ ("/think" if thinks else "/no_think") ~ "\\n\\n" ~ instructions ~ "\\n\\n<|im_end|>\\n" -}}
{%- for message in messages -%}
  {%- set content = message.content if message.content is string else "" -%}
  {%- if message.role == "user" -%}
    {{ "<|im_start|>user\\n" + content + "<|im_end|>\\n" }}
  {%- elif message.role == "assistant" -%}
    {% generation %}{{ "<|im_start|>assistant\\n" + content.lstrip("\\n") + "<|im_end|>\\n" }}{% endgeneration %}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ "<|im_start|>assistant\\n" }}{%- endif -%}
"""

VICUNA = """\
{%- if messages[0].role == 'system' %}{% set text, rest = messages[0].content, messages[1:] %}
{%- else %}{% set text, rest = 'A chat between a curious user and an assistant.', messages %}{% endif %}
{{- bos_token + text }}
{%- for message in rest %}
  {%- if message.role == 'user' %}{{ ' USER: ' + message.content.strip() }}
  {%- else %}{{ ' ASSISTANT: ' + message.content.strip() + eos_token }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ ' ASSISTANT:' }}{% endif %}
"""

OPENCHAT = ("{{ bos_token }}{% for message in messages %}{% if message['role'] in ['user', 'assistant'] %}"
            "{{ 'GPT4 Correct ' + message['role'].title() + ': ' + message['content'] + '<|end_of_turn|>' }}"
            "{% else %}{{ message['content'] + '<|end_of_turn|>' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ 'GPT4 Correct Assistant:' }}{% endif %}")

DEEPSEEK_2 = ("{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
              "{{ 'User: ' + message['content'] + '\n\n' }}{% elif message['role'] == 'assistant' %}"
              "{{ 'Assistant: ' + message['content'] + eos_token }}{% elif message['role'] == 'system' %}"
              "{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}"
              "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")

# Asks for thoughts, which replies of the past have no more.
DEEPSEEK_R1 = """\
{%- set ns = namespace(system='', is_first=true) -%}
{%- for message in messages -%}{%- if message.role == 'system' -%}{%- set ns.system = message.content -%}{%- endif -%}{%- endfor -%}
{{- bos_token }}{{ ns.system }}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}{{ '<｜User｜>' + message.content }}{%- endif -%}
  {%- if message.role == 'assistant' and message.content is not none -%}
    {%- set content = message.content -%}
    {%- if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif -%}
    {{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}
  {%- endif -%}
{%- endfor -%}
{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}
"""

COMMAND_R = """\
{{ bos_token }}
{%- macro turn(role, content) -%}
  {%- set names = {'user': 'USER', 'assistant': 'CHATBOT', 'system': 'SYSTEM'} -%}
  {{- '<|START_OF_TURN_TOKEN|><|' ~ names[role] ~ '_TOKEN|>' ~ content ~ '<|END_OF_TURN_TOKEN|>' -}}
{%- endmacro -%}
{%- for message in messages -%}{{ turn(message.role, message.content | trim) }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{%- endif -%}
"""

GRANITE = """\
{%- for message in messages %}
{%- set name = {'system': 'system', 'user': 'user'}.get(message['role'], 'assistant') %}
{{- '<|start_of_role|>' + name + '<|end_of_role|>' + message['content'] + '<|end_of_text|>\\n' }}
{%- if loop.last and add_generation_prompt %}
{{- '<|start_of_role|>assistant<|end_of_role|>' }}
{%- endif %}
{%- endfor %}
"""

# The last reply has another end than those before.
HARMONY = ("{% for m in messages %}{{ '<|start|>' ~ m.role ~ '<|message|>' ~ m.content }}"
           "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' }}{% endfor %}"
           "{% if add_generation_prompt %}<|start|>assistant{% endif %}")

# Nothing ends a reply but what begins the next message.
GLM = ("{% for m in messages %}<|{{ m.role }}|>\n\n{{ m.content }}{% endfor %}"
       "{% if add_generation_prompt %}<|assistant|>\n\n{% endif %}")

NO_SYSTEM = {"empty", "system"}
FAMILIES = {
    "llama 2": (LLAMA_2, "<s>", "</s>", set()),
    "llama 3": (LLAMA_3, "<|begin_of_text|>", "<|eot_id|>", set()),
    "llama 3.1": (LLAMA_3_DATED.replace("DATE", '"26 Jul 2024"'), "<|begin_of_text|>", "<|eot_id|>", set()),
    "llama 3.2": (LLAMA_3_DATED.replace("DATE", 'strftime_now("%d %b %Y") if strftime_now is defined else "26 Jul 2024"'),
                  "<|begin_of_text|>", "<|eot_id|>", set()),
    "mistral v1, mixtral": (MISTRAL_V1, "<s>", "</s>", NO_SYSTEM),
    "mistral v3": (MISTRAL_V3, "<s>", "</s>", NO_SYSTEM),
    "mistral v7": (MISTRAL_V7, "<s>", "</s>", set()),
    "qwen 2": (chatml_with_default("You are a helpful assistant."), "", "<|im_end|>", set()),
    "qwen 2.5": (chatml_with_default("You are Test, created by Halftone. You are a helpful assistant."), "", "<|im_end|>",
                 set()),
    "qwen 3": (QWEN_3, "", "<|im_end|>", set()),
    "gemma 1, 2": (GEMMA, "<bos>", "<eos>", NO_SYSTEM),
    "gemma 3": (GEMMA_3, "<bos>", "<eos>", set()),
    "phi 3, 3.5": (PHI_3, "<s>", "<|endoftext|>", set()),
    "phi 4": (PHI_4, "<|endoftext|>", "<|im_end|>", set()),
    "smollm 2": (chatml_with_default("You are a helpful AI assistant named Test"), "<|im_start|>", "<|im_end|>", set()),
    "smollm 3": (SMOLLM_3, "", "<|im_end|>", set()),
    "tinyllama, zephyr": (roles("<|{}|>", "eos_token", "<|assistant|>"), "<s>", "</s>", set()),
    "stablelm 2": (roles("<|{}|>", "'<|endoftext|>\n'", "<|assistant|>\n"), "<|endoftext|>", "<|endoftext|>", set()),
    "chatml": ("{% for message in messages %}" + CHATML + "{% endfor %}" + CHATML_ASKS, "<s>", "<|im_end|>", set()),
    "openchat": (OPENCHAT, "<s>", "<|end_of_turn|>", set()),
    "vicuna": (VICUNA, "<s>", "</s>", set()),
    "deepseek 2": (DEEPSEEK_2, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", set()),
    "deepseek r1": (DEEPSEEK_R1, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", set()),
    "command r": (COMMAND_R, "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", set()),
    "harmony": (HARMONY, "", "<|return|>", set()),
    "glm": (GLM, "", "<|endoftext|>", set()),
    "granite": (GRANITE, "<|end_of_text|>", "<|end_of_text|>", set()),
}
