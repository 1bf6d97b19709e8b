import assert from 'node:assert/strict'
import { test } from 'node:test'
import { showProblems } from './show-problems.ts'

/** A file that is wrong as YAML, and all that is to be said about it. */
const TABLE: readonly (readonly [string, string, string])[] = [
  [
    'keys that are given twice',
    `name: a
steps: [a]
name: b
steps: [b]
`,
    `3:1 the key "name" is given twice
  |name: b
  |^
4:1 the key "steps" is given twice
  |steps: [b]
  |^`,
  ],
  [
    'keys that are no text',
    `? [a]
: b
? { c: d }
: e
: f
steps: [a]
`,
    `1:3 a key must be a string
  |? [a]
  |  ^
3:3 a key must be a string
  |? { c: d }
  |  ^
5:1 a key is missing before the colon
  |: f
  |^`,
  ],
  [
    'tabs that indent',
    `steps:
\t- a
`,
    `2:1 a tab can't indent a line in YAML: use spaces
  | - a
  |^`,
  ],
  [
    'brackets that stay open',
    `steps: [a
name: b
`,
    `2:1 can't be read as YAML: flow sequence in block collection must be sufficiently indented and end with a ]
  |name: b
  |^`,
  ],
  [
    'a quotation mark that stays open',
    `steps:
  - "make
`,
    `3:1 can't be read as YAML: missing closing "quote`,
  ],
  [
    'mappings in one line',
    `a: b: c
`,
    `1:4 can't be read as YAML: nested mappings are not allowed in compact mappings
  |a: b: c
  |   ^`,
  ],
  [
    'bad indentation',
    `steps:
  - a
 - b
`,
    `3:1 can't be read as YAML: a block sequence may not be used as an implicit map key
  | - b
  |^
3:2 can't be read as YAML: implicit keys need to be on a single line
  | - b
  | ^
3:2 can't be read as YAML: implicit map keys need to be followed by map values
  | - b
  | ^`,
  ],
  [
    'two documents',
    `steps: [a]
---
steps: [b]
`,
    `2:1 a second document begins here: the file must have only one
  |---
  |^`,
  ],
  [
    'another YAML',
    `%YAML 1.1
---
steps: [yes]
`,
    `1:1 the file asks for a YAML version other than 1.2: remove the directive
  |%YAML 1.1
  |^`,
  ],
  [
    'tags of other systems',
    `steps: [!!js/function "x", !reference [a, b]]
`,
    `1:9 unknown tag: only YAML's own, such as !!str, are allowed
  |steps: [!!js/function "x", !reference [a, b]]
  |        ^
1:28 unknown tag: only YAML's own, such as !!str, are allowed
  |steps: [!!js/function "x", !reference [a, b]]
  |                           ^`,
  ],
  [
    'an alias of nothing',
    `steps: *all
`,
    `1:8 the alias *all repeats nothing: no &all comes before it
  |steps: *all
  |       ^`,
  ],
  [
    'an alias that contains itself',
    `steps: &all [*all, *all]
`,
    `1:14 the alias *all is inside of what it repeats
  |steps: &all [*all, *all]
  |             ^
1:20 the alias *all is inside of what it repeats
  |steps: &all [*all, *all]
  |                   ^`,
  ],
  [
    'a merge of something else',
    `env: { <<: 5 }
steps: [a]
`,
    `1:8 << takes a mapping or a list of mappings
  |env: { <<: 5 }
  |       ^`,
  ],
  ['an empty file', ``, `1:1 the file is empty: it needs steps or jobs`],
  [
    'a file of comments',
    `# nothing
`,
    `1:1 the file is empty: it needs steps or jobs
  |# nothing
  |^`,
  ],
  [
    'a file that is text',
    `make
`,
    `1:1 the file must be a mapping, not a string
  |make
  |^`,
  ],
  [
    'a place in a long line',
    `steps: [{ command: ${'a'.repeat(200)}, comand: x }]
`,
    `1:222 steps[0].comand is not a key of a step: did you mean command?
  |…aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, comand: x }]
  |                                                                                                             ^`,
  ],
  [
    'a mistake behind tabs',
    `steps:\t[\t5,\tx ]
`,
    `1:10 steps[0] must be a command or a mapping, not a number
  |steps: [ 5, x ]
  |         ^`,
  ],
  [
    'mistakes that come through an alias',
    `jobs:
  a: { steps: &s [{ command: 1 }] }
  b: { steps: *s, image: &i 5 }
  c: { steps: [x], image: *i }
`,
    `2:30 jobs.a.steps[0].command must be a string or a list of strings, not a number
  |  a: { steps: &s [{ command: 1 }] }
  |                             ^
2:30 jobs.b.steps[0].command must be a string or a list of strings, not a number
  |  a: { steps: &s [{ command: 1 }] }
  |                             ^
3:29 jobs.b.image must be a string, not a number
  |  b: { steps: *s, image: &i 5 }
  |                            ^
4:27 jobs.c.image must be a string, not a number
  |  c: { steps: [x], image: *i }
  |                          ^`,
  ],
]

for (const [name, text, expected] of TABLE) {
  test(`tells ${name}`, () => assert.equal(showProblems(text), expected))
}
