import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { formatCount } from '../../format.ts'

/** The problems of narwhal.yml, with their positions. */
export function Problems({ problems }: { readonly problems: PipelineView['problems'] }) {
  if (problems.length === 0) return null
  return (
    <section className="problems">
      <h2>{formatCount(problems.length, 'problem')} in narwhal.yml</h2>
      <ul>
        {problems.map((problem) => (
          <li key={`${problem.file}:${problem.line}:${problem.column} ${problem.message}`}>
            <p>
              {problem.line > 0 ? (
                <span className="quiet number">
                  {problem.file ? `${problem.file}:` : ''}
                  {problem.line}:{problem.column}{' '}
                </span>
              ) : null}
              {problem.message}
            </p>
            {problem.excerpt ? <pre tabIndex={0}>{problem.excerpt}</pre> : null}
          </li>
        ))}
      </ul>
    </section>
  )
}
