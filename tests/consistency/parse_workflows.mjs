// Prints what GitHub's own parser has to say about files: node parse_workflows.mjs PREFIX FILE...
//
// PREFIX is where npm has put @actions/workflow-parser. The answer is a JSON object with a list of
// messages for each file. A file named action.yml is an action, any other one a workflow.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

// The package imports its schemas without saying that they are JSON, which Node requires.
const hook = `
  import { readFile } from "node:fs/promises";
  export async function load(url, context, next) {
    if (!url.startsWith("file:") || !url.endsWith(".json")) return next(url, context);
    const source = "export default " + (await readFile(new URL(url), "utf8"));
    return { format: "module", shortCircuit: true, source };
  }`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const [prefix, ...files] = process.argv.slice(2);
const root = pathToFileURL(`${prefix}/node_modules/@actions/workflow-parser/dist/`);
const { parseAction } = await import(new URL("actions/action-parser.js", root));
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import(
  new URL("index.js", root)
);

const said = {};
for (const name of files) {
  const file = { name, content: readFileSync(name, "utf8") };
  const isAction = basename(name) === "action.yml";
  const { context, value } = (isAction ? parseAction : parseWorkflow)(
    file,
    new NoOperationTraceWriter(),
  );
  if (!isAction && value) await convertWorkflowTemplate(context, value);
  said[name] = context.errors.getErrors().map((error) => error.message);
}
console.log(JSON.stringify(said));
