import {
  deliveryResult,
  deliverySubject,
} from '../../../../src/contract/rest/deliveries/delivery-words.ts'
import { refWords } from '../../../../src/contract/rest/forge-words.ts'
import { useRead } from '../../hooks/use-read.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { Ago } from '../../parts/times.tsx'
import { Link } from '../../router.tsx'

/** The last webhooks of a repository, and what was done with them. */
export function Deliveries({ repositoryId }: { readonly repositoryId: string }) {
  const params = { repository: repositoryId }
  const { answer, error } = useRead('listDeliveries', { params })
  return (
    <section className="panel padded" aria-labelledby="deliveries">
      <h2 id="deliveries">Webhook deliveries</h2>
      <ErrorNotice error={error} />
      {answer === undefined ? (
        error ? null : (
          <Loading />
        )
      ) : answer.deliveries.length === 0 ? (
        <p className="quiet">None has arrived yet.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Received</th>
              <th scope="col">Event</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {answer.deliveries.map((delivery, index) => (
              <tr key={index}>
                <td>
                  <Ago at={delivery.at} />
                </td>
                <td>
                  {deliverySubject(delivery)}
                  {delivery.ref ? ` ${refWords(delivery.ref)}` : ''}
                </td>
                <td>
                  {deliveryResult(delivery)}
                  {delivery.pipeline ? (
                    <>
                      {' '}
                      <Link to={`/pipelines/${delivery.pipeline.id}`}>
                        #{delivery.pipeline.number}
                      </Link>
                    </>
                  ) : null}
                  {delivery.reason ? `: ${delivery.reason}` : ''}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
