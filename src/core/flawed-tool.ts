/** A program on a runner's machine whose version has known holes, each in words. */
export interface FlawedTool {
  readonly name: string
  readonly version: string
  readonly holes: readonly string[]
}

const MOST_TOOLS = 16
const MOST_HOLES = 16
const LONGEST_NAME = 64
const LONGEST_HOLE = 400

/** As many and as long as a page shows; a runner may tell anything. */
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
