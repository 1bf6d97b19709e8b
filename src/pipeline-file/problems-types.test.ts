import assert from 'node:assert/strict'
import { test } from 'node:test'
import { showProblems } from './show-problems.ts'

/** A file with wrong keys and wrong types, and all that is to be said about it. */
const TABLE: readonly (readonly [string, string, string])[] = [
  [
    'a misspelt key',
    `steps:
  - name: a
    scirpt: make
`,
    `2:5 steps[0].command is missing: it must be a string or a list of strings
  |  - name: a
  |    ^
3:5 steps[0].scirpt is not a key of a step: did you mean command?
  |    scirpt: make
  |    ^`,
  ],
  [
    'keys that nobody knows',
    `steps: [a]
privileged: true
volumes: [/:/host]
`,
    `2:1 privileged is not a key of narwhal.yml: it has …
  |privileged: true
  |^
3:1 volumes is not a key of narwhal.yml: it has …
  |volumes: [/:/host]
  |^`,
  ],
  [
    'keys that objects of JavaScript have',
    `constructor: 1
toString: 1
__proto__: { x: 1 }
steps: [a]
`,
    `1:1 constructor is not a key of narwhal.yml: it has …
  |constructor: 1
  |^
2:1 toString is not a key of narwhal.yml: it has …
  |toString: 1
  |^
3:1 __proto__ can't be a key
  |__proto__: { x: 1 }
  |^`,
  ],
  [
    'what belongs elsewhere',
    `jobs: { a: { steps: [x] } }
steps: [y]
needs: [z]
`,
    `2:1 steps is not a key of narwhal.yml: in a file with jobs, it belongs in each job
  |steps: [y]
  |^
3:1 needs is not a key of narwhal.yml: in a file with jobs, it belongs in each job
  |needs: [z]
  |^`,
  ],
  [
    'wrong types',
    `name: 5
image: [a]
env: [A=1]
labels: gpu
steps: make
`,
    `1:7 name must be a string, not a number
  |name: 5
  |      ^
2:8 image must be a string, not a list
  |image: [a]
  |       ^
3:6 env must be a mapping, not a list
  |env: [A=1]
  |     ^
4:9 labels must be a list of labels, not a string
  |labels: gpu
  |        ^
5:8 steps must be a list of steps, not a string
  |steps: make
  |       ^`,
  ],
  [
    'wrong types in a step',
    `steps:
  - a
  - command: 1
  - command: [a, 1]
  - { command: a, dependencies: make, env: x }
  - 5
  - [a]
`,
    `3:14 steps[1].command must be a string or a list of strings, not a number
  |  - command: 1
  |             ^
4:18 steps[2].command[1] must be a string, not a number
  |  - command: [a, 1]
  |                 ^
5:33 steps[3].dependencies must be a list of package names, not a string
  |  - { command: a, dependencies: make, env: x }
  |                                ^
5:44 steps[3].env must be a mapping, not a string
  |  - { command: a, dependencies: make, env: x }
  |                                           ^
6:5 steps[4] must be a command or a mapping, not a number
  |  - 5
  |    ^
7:5 steps[5] must be a command or a mapping, not a list
  |  - [a]
  |    ^`,
  ],
  [
    'what is missing',
    `name: a
`,
    `1:1 steps is missing: it must be a list of steps
  |name: a
  |^`,
  ],
  [
    'what is missing in a step and in a job',
    `jobs:
  a:
    steps:
      - name: x
  b:
    image: alpine
`,
    `4:9 jobs.a.steps[0].command is missing: it must be a string or a list of strings
  |      - name: x
  |        ^
5:3 jobs.b.steps is missing: it must be a list of steps
  |  b:
  |  ^`,
  ],
  [
    'what has been left empty',
    `image:
steps:
`,
    `1:1 image must be a string, not nothing
  |image:
  |^
2:1 steps must be a list of steps, not nothing
  |steps:
  |^`,
  ],
  [
    'jobs that are nothing',
    `jobs:
  a:
  b: []
  c: {}
`,
    `2:3 jobs.a must be a mapping, not nothing
  |  a:
  |  ^
3:6 jobs.b must be a mapping, not a list
  |  b: []
  |     ^
4:3 jobs.c.steps is missing: it must be a list of steps
  |  c: {}
  |  ^`,
  ],
  [
    'empty lists and texts',
    `name: " "
steps: ["", { command: [] }, { command: " " }]
`,
    `1:7 name must not be empty
  |name: " "
  |      ^
2:9 steps[0] must not be empty
  |steps: ["", { command: [] }, { command: " " }]
  |        ^
2:24 steps[1].command must not be an empty list
  |steps: ["", { command: [] }, { command: " " }]
  |                       ^
2:41 steps[2].command must not be empty
  |steps: ["", { command: [] }, { command: " " }]
  |                                        ^`,
  ],
  [
    'no jobs, and no steps',
    `jobs: {}
`,
    `1:7 jobs must have at least one job
  |jobs: {}
  |      ^`,
  ],
  [
    'a list without steps',
    `steps: []
`,
    `1:8 steps must not be an empty list
  |steps: []
  |       ^`,
  ],
]

for (const [name, text, expected] of TABLE) {
  test(`tells ${name}`, () => assert.equal(showProblems(text), expected))
}
