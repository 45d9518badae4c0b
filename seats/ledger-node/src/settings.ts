/** What the ledger is told by its environment. */

import { z } from "zod";

const port = z.coerce.number().int().min(1).max(65535);

const Environment = z.object({
  /** Where the files are. */
  LEDGER_DIR: z.string().min(1),
  APP_PORT: port,
  APP_HOST: z.string().min(1).default("127.0.0.1"),
  /** What the sidecar shows of itself in dapr-api-token. */
  APP_API_TOKEN: z.string().min(16),
  /** In the path of deliveries; a cluster has none (docs/decisions/0011). */
  DELIVERY_TOKEN: z.union([z.literal(""), z.string().min(16)]).default(""),
  DAPR_HOST: z.string().min(1).default("127.0.0.1"),
  DAPR_HTTP_PORT: port.default(3500),
  /** What the sidecar wants to be shown. */
  DAPR_API_TOKEN: z.string().default(""),
  /** How long to go on after SIGTERM while the sidecar is there. */
  DRAIN_SECONDS: z.coerce.number().min(0).default(20),
});

export type Settings = z.infer<typeof Environment>;

/** Raises Error with every variable that is missing or wrong, by name. */
export function settings(environment: NodeJS.ProcessEnv): Settings {
  const result = Environment.safeParse(environment);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"));
}
