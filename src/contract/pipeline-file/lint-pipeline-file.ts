import type { PipelinePlan, Problem } from '../../core/plan.ts'
import type { PlanFacts } from '../../core/plan-facts.ts'
import { faultsToProblems } from './excerpt.ts'
import type { IncludedFiles, IncludeRef } from './include-ref.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'
import { readDocument } from './read-document.ts'
import { locate, readSource } from './source-tree.ts'
import { findWarnings } from './warnings.ts'
import { describePath } from './words.ts'

/** What is wrong with a file, and what is allowed but hardly meant. */
export interface LintedFile {
  /** Absent where there are problems. */
  readonly plan?: PipelinePlan
  readonly problems: readonly Problem[]
  /** Looked for only where there are no problems, and not in what is included. */
  readonly warnings: readonly Problem[]
  /** As of `ParsedPipelineFile`. */
  readonly wants?: readonly IncludeRef[]
}

/** Reads a file as `parsePipelineFile` does, and looks for what hardly anybody wants. */
export function lintPipelineFile(
  text: string,
  facts?: PlanFacts,
  included?: IncludedFiles,
): LintedFile {
  const parsed = parsePipelineFile(text, facts, included)
  if (!parsed.ok) {
    const { problems, wants } = parsed
    return { problems, warnings: [], ...(wants ? { wants } : {}) }
  }
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  const read = readDocument(clean)
  const source = read.ok ? readSource(read.document).source : undefined
  if (!source) return { plan: parsed.plan, problems: [], warnings: [] }
  const faults = findWarnings(source.value).map(({ path, message, at }) => ({
    offset: locate(source, path, at) ?? 0,
    message: `${describePath(path)} ${message}`,
  }))
  return { plan: parsed.plan, problems: [], warnings: faultsToProblems(clean, faults) }
}
