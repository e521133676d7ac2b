/**
 * Profile expressions: `prod`, `!dev`, `prod & eu`, `a | (b & !c)`, as Spring reads them (`&` and `|` may not be mixed without brackets
 * in Spring; here `&` binds tighter). Names are letters, digits and `- _ . + @`, first and last a letter or digit. Pure.
 */
export type ProfileExpression = (isActive: (profile: string) => boolean) => boolean;

const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N}\-_.+@]*[\p{L}\p{N}])?$/u;

/** A text that is not empty is the reason why the name cannot be one. */
export function profileNameProblem(name: string): string {
  return NAME.test(name)
    ? ''
    : `'${name}' is not a profile name: letters, digits and - _ . + @, with a letter or digit at both ends`;
}

/** The parsed expression, or a text that tells what is wrong with it. */
export function parseProfileExpression(text: string): ProfileExpression | string {
  const tokens = text.match(/[!&|()]|[^!&|()\s]+/g) ?? [];
  if (tokens.length === 0) return 'the profile expression is empty';
  const parser = new Parser(text, tokens);
  const expression = parser.either();
  return parser.problem() || expression;
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #position = 0;
  #problem = '';

  constructor(text: string, tokens: readonly string[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  problem(): string {
    if (this.#problem === '' && this.#position < this.#tokens.length)
      this.#fail(`'${this.#tokens[this.#position]}' is not expected`);
    return this.#problem;
  }

  either(): ProfileExpression {
    let left = this.#both();
    while (this.#take('|')) {
      const [a, b] = [left, this.#both()];
      left = (isActive) => a(isActive) || b(isActive);
    }
    return left;
  }

  #both(): ProfileExpression {
    let left = this.#one();
    while (this.#take('&')) {
      const [a, b] = [left, this.#one()];
      left = (isActive) => a(isActive) && b(isActive);
    }
    return left;
  }

  #one(): ProfileExpression {
    if (this.#take('!')) {
      const inner = this.#one();
      return (isActive) => !inner(isActive);
    }
    if (this.#take('(')) {
      const inner = this.either();
      if (!this.#take(')')) this.#fail('a bracket is not closed');
      return inner;
    }
    const name = this.#tokens[this.#position++];
    const problem = name === undefined ? 'a profile name is missing at the end' : profileNameProblem(name);
    if (problem !== '') this.#fail(problem);
    return (isActive) => isActive(name);
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#position] !== token) return false;
    this.#position++;
    return true;
  }

  #fail(problem: string): void {
    this.#problem ||= `profile expression '${this.#text}': ${problem}`;
  }
}
