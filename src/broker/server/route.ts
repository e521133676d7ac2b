/** An API that is served, and who answers it. */
import type { Api, Draft, Infer, MessageSchema } from '#protocol';
import type { AclOperation, AclResource } from '../authorizer.ts';
import type { LATER, RequestContext } from './request-context.ts';
import type { ServedApi } from './served-api.ts';

export interface Route extends ServedApi {
  handle(context: RequestContext, request: never): object | Promise<object> | typeof LATER;
}

export interface Rights {
  readonly operation: AclOperation;
  readonly resource: AclResource;
  readonly advertisedMinVersion?: number;
  /** Where fewer versions are served than the schema has. */
  readonly maxVersion?: number;
}

/** What a request is answered with: at once, soon, or by its context. */
export type Answer<Response extends MessageSchema> = Draft<Response> | Promise<Draft<Response>> | typeof LATER;

/** Declares one; the handler's types follow from the API. */
export function route<Request extends MessageSchema, Response extends MessageSchema>(
  api: Api<Request, Response>,
  rights: Rights,
  handle: (context: RequestContext, request: Infer<Request>) => Answer<Response>,
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
