/** The shape of a row of the route table (`routes.ts`): an API, who answers it, and what right it takes. */
import type { Api, Draft, Infer, MessageSchema } from '#protocol';
import type { AclOperation, AclResource } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { LATER, RequestContext } from './request-context.ts';

export interface Route {
  readonly api: Api;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The lowest version that ApiVersions tells, where that differs from what is answered. */
  readonly advertisedMinVersion: number;
  readonly operation: AclOperation;
  readonly resource: AclResource;
  handle(broker: BrokerParts, context: RequestContext, request: never): object | Promise<object> | typeof LATER;
}

export interface Rights {
  readonly operation: AclOperation;
  readonly resource: AclResource;
  readonly advertisedMinVersion?: number;
  /** Where fewer versions are served than the schema has. */
  readonly maxVersion?: number;
}

/** Declares a row; the handler's types follow from the API. */
export function route<Request extends MessageSchema, Response extends MessageSchema>(
  api: Api<Request, Response>,
  rights: Rights,
  handle: (
    broker: BrokerParts,
    context: RequestContext,
    request: Infer<Request>,
  ) => Draft<Response> | Promise<Draft<Response>> | typeof LATER,
): Route {
  return {
    api,
    minVersion: api.minVersion,
    maxVersion: rights.maxVersion ?? api.maxVersion,
    advertisedMinVersion: rights.advertisedMinVersion ?? api.minVersion,
    operation: rights.operation,
    resource: rights.resource,
    handle: handle as Route['handle'],
  };
}
