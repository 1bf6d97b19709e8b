import assert from 'node:assert/strict'
import { test } from 'node:test'
import { showProblems } from './show-problems.ts'

/** A file with names, values and needs that can not be, and all that is to be said about it. */
const TABLE: readonly (readonly [string, string, string])[] = [
  [
    'names that can not be',
    `jobs:
  "a b": { steps: [x] }
  ../x: { steps: [x] }
  a: { steps: [{ name: "a\\nb", command: x }], env: { 1A: x, "A=B": y } }
`,
    `2:3 jobs["a b"] can't name a job: use 1 to 64 letters, digits, \`.\`, \`_\` or \`-\`
  |  "a b": { steps: [x] }
  |  ^
3:3 jobs["../x"] can't name a job: use 1 to 64 letters, digits, \`.\`, \`_\` or \`-\`
  |  ../x: { steps: [x] }
  |  ^
4:24 jobs.a.steps[0].name must be one line of printable characters
  |  a: { steps: [{ name: "a\\nb", command: x }], env: { 1A: x, "A=B": y } }
  |                       ^
4:54 jobs.a.env["1A"] can't name an environment variable: use letters, digits and \`_\`, no leading digit
  |  a: { steps: [{ name: "a\\nb", command: x }], env: { 1A: x, "A=B": y } }
  |                                                     ^
4:61 jobs.a.env["A=B"] can't name an environment variable: use letters, digits and \`_\`, no leading digit
  |  a: { steps: [{ name: "a\\nb", command: x }], env: { 1A: x, "A=B": y } }
  |                                                            ^`,
  ],
  [
    "a step's name that is used twice",
    `steps:
  - { name: a, command: x }
  - { name: b, command: x }
  - { name: a, command: y }
`,
    `4:13 steps[2].name "a" is also the name of steps[0]: each step needs its own
  |  - { name: a, command: y }
  |            ^`,
  ],
  [
    'values that no environment holds',
    `env: { A: null, B: [1], C: .nan, D: -.inf, E: "\\0" }
steps: [a]
`,
    `1:8 env.A must be a string, a number, true or false, not nothing
  |env: { A: null, B: [1], C: .nan, D: -.inf, E: "\\0" }
  |       ^
1:20 env.B must be a string, a number, true or false, not a list
  |env: { A: null, B: [1], C: .nan, D: -.inf, E: "\\0" }
  |                   ^
1:28 env.C must be a string, a number, true or false, not .nan
  |env: { A: null, B: [1], C: .nan, D: -.inf, E: "\\0" }
  |                           ^
1:37 env.D must be a string, a number, true or false, not an infinite number
  |env: { A: null, B: [1], C: .nan, D: -.inf, E: "\\0" }
  |                                    ^
1:47 env.E can't contain a NUL character
  |env: { A: null, B: [1], C: .nan, D: -.inf, E: "\\0" }
  |                                              ^`,
  ],
  [
    'images that can not be',
    `jobs:
  a: { image: alpine --privileged, steps: [x] }
  b: { image: ../x, steps: [x] }
  c: { image: Node, steps: [x] }
  d: { image: "", steps: [x] }
`,
    `2:15 jobs.a.image can't be a container image: "alpine --privileged"; write it like node:24, or registry.example/team/image:tag
  |  a: { image: alpine --privileged, steps: [x] }
  |              ^
3:15 jobs.b.image can't be a container image: "../x"; write it like node:24, or registry.example/team/image:tag
  |  b: { image: ../x, steps: [x] }
  |              ^
4:15 jobs.c.image can't be a container image: "Node"; write it like node:24, or registry.example/team/image:tag
  |  c: { image: Node, steps: [x] }
  |              ^
5:15 jobs.d.image can't be a container image: ""; write it like node:24, or registry.example/team/image:tag
  |  d: { image: "", steps: [x] }
  |              ^`,
  ],
  [
    'packages and labels that can not be',
    `labels: [a b]
steps: [{ command: x, dependencies: [-y, "a;b", make] }]
`,
    `1:10 labels[0] must have 1 to 100 letters, digits, \`_\`, \`.\`, \`:\`, \`/\` or \`-\`
  |labels: [a b]
  |         ^
2:38 steps[0].dependencies[0] can't be a package: "-y"
  |steps: [{ command: x, dependencies: [-y, "a;b", make] }]
  |                                     ^
2:42 steps[0].dependencies[1] can't be a package: "a;b"
  |steps: [{ command: x, dependencies: [-y, "a;b", make] }]
  |                                         ^`,
  ],
  [
    'needs that can not be met',
    `jobs:
  build: { steps: [x], needs: [lint, bulid, build] }
  lint: { steps: [x], needs: tets }
  test: { steps: [x] }
`,
    `2:38 jobs.build.needs[1] needs "bulid", but there is no such job
  |  build: { steps: [x], needs: [lint, bulid, build] }
  |                                     ^
2:45 jobs.build.needs[2] is the job itself
  |  build: { steps: [x], needs: [lint, bulid, build] }
  |                                            ^
3:30 jobs.lint.needs needs "tets", but there is no such job: did you mean test?
  |  lint: { steps: [x], needs: tets }
  |                             ^`,
  ],
  [
    'circles',
    `jobs:
  a: { steps: [x], needs: c }
  b: { steps: [x], needs: [z, a] }
  c: { steps: [x], needs: [b] }
  z: { steps: [x] }
  d: { steps: [x], needs: e }
  e: { steps: [x], needs: d }
`,
    `2:27 jobs.a.needs forms a cycle, so none of these could ever start: a → c → b → a
  |  a: { steps: [x], needs: c }
  |                          ^
6:27 jobs.d.needs forms a cycle, so none of these could ever start: d → e → d
  |  d: { steps: [x], needs: e }
  |                          ^`,
  ],
]

test('says how to write a command in which YAML finds a key', () => {
  const told = showProblems('steps:\n  - echo "a: b"\n')
  assert.match(told, /is not a key of a step: YAML takes what stands before `: ` for a key/)
})

for (const [name, text, expected] of TABLE) {
  test(`tells ${name}`, () => assert.equal(showProblems(text), expected))
}
