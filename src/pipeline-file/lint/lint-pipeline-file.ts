import type { PipelinePlan, Problem } from '../../core/plan/plan.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { present } from '../../lib/present.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { faultsToProblems } from '../read/excerpt.ts'
import type { IncludedFiles, IncludeRef } from '../read/include-ref.ts'
import { readDocument } from '../read/read-document.ts'
import { locate, readSource } from '../read/source-tree.ts'
import { describePath } from '../words.ts'
import { findWarnings } from './warnings.ts'

/** What is wrong with a file, and what is allowed but hardly meant. */
export interface LintedFile {
  /** Absent where there are problems, or a file that is included can't be looked at here. */
  readonly plan?: PipelinePlan
  readonly problems: readonly Problem[]
  /** But for files that can't be looked at: only where there are no problems, and not in what is included. */
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
  if (parsed.ok) return { plan: parsed.plan, problems: [], warnings: warningsOf(text) }
  const { problems, wants, unread = [] } = parsed
  const warnings = problems.length > 0 ? unread : [...unread, ...(wants ? [] : warningsOf(text))]
  return { problems, warnings, ...present({ wants }) }
}

/** Of a file without problems. */
function warningsOf(text: string): Problem[] {
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  const read = readDocument(clean)
  const source = read.ok ? readSource(read.document).source : undefined
  if (!source) return []
  const faults = findWarnings(source.value).map(({ path, message, at }) => ({
    offset: locate(source, path, at) ?? 0,
    message: `${describePath(path)} ${message}`,
  }))
  return faultsToProblems(clean, faults)
}
