/** A program on a runner's machine whose version has known vulnerabilities, each described in plain text. */
export interface FlawedTool {
  readonly name: string
  readonly version: string
  readonly holes: readonly string[]
}

const MOST_TOOLS = 16
const MOST_HOLES = 16
const LONGEST_NAME = 64
const LONGEST_HOLE = 400

/** Bounded in number and length: runners are not trusted. */
export function soundFlaws(tools: readonly FlawedTool[]): readonly FlawedTool[] {
  return tools.slice(0, MOST_TOOLS).map(({ name, version, holes }) => ({
    name: cut(name, LONGEST_NAME),
    version: cut(version, LONGEST_NAME),
    holes: holes.slice(0, MOST_HOLES).map((hole) => cut(hole, LONGEST_HOLE)),
  }))
}

function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}
