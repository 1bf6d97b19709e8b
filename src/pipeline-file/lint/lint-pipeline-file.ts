import type { PipelinePlan, Problem } from '../../core/plan/plan.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { present } from '../../lib/present.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { faultsToProblems } from '../read/excerpt.ts'
import type { IncludedFiles, IncludeRef } from '../read/include-ref.ts'
import { readDocument } from '../read/read-document.ts'
import { locate, readSource, textAt } from '../read/source-tree.ts'
import { describePath } from '../words.ts'
import { findWarnings } from './warnings.ts'

/** Errors of a file, and warnings about what is allowed but probably not intended. */
export interface LintedFile {
  /** Absent if there are problems, or an included file can't be checked here. */
  readonly plan?: PipelinePlan
  readonly problems: readonly Problem[]
  /** Apart from unchecked files: only if there are no problems, and never about included files. */
  readonly warnings: readonly Problem[]
  /** As in `ParsedPipelineFile`. */
  readonly wants?: readonly IncludeRef[]
}

/** Parses a file as `parsePipelineFile` does, and adds warnings. */
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

/** For a file without problems. */
function warningsOf(text: string): Problem[] {
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  const read = readDocument(clean)
  const source = read.ok ? readSource(read.document).source : undefined
  if (!source) return []
  const faults = findWarnings(source.value, (path) => textAt(source, path)).map(
    ({ path, message, at }) => ({
      offset: locate(source, path, at) ?? 0,
      message: `${describePath(path)} ${message}`,
    }),
  )
  return faultsToProblems(clean, faults)
}
