/** What may be typed after a command. */
export interface Offer {
  /** The command's words after `feedctl`; empty for the root. */
  readonly path: readonly string[]
  readonly words: readonly { readonly word: string; readonly doc: string }[]
  readonly options: readonly OfferedOption[]
}

export interface OfferedOption {
  /** With its dashes: `--env-file`. */
  readonly flag: string
  readonly doc: string
  readonly takesValue: boolean
  /** Empty when any value goes; a file's name is then offered. */
  readonly choices: readonly string[]
}

/** For bash 4 and later, with the bash-completion package or without. */
export function bashCompletion(offers: readonly Offer[]): string {
  return `# bash completion of feedctl: source <(feedctl completion bash)
_feedctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} place='' flag='' word i offers=''
${walkWords('i = 1; i < COMP_CWORD', 'COMP_WORDS', offers)}
  [[ $current == '=' ]] && current=''
  if [[ -n $flag ]]; then
    case "$place/$flag" in
${choiceCases(offers, option => `offers=${quote(option.choices.join(' '))}`)}
    esac
  elif [[ $current == -* ]]; then
    case "$place" in
${placeCases(offers, offer => `offers=${quote(offer.options.map(option => option.flag).join(' '))}`)}
    esac
  else
    case "$place" in
${placeCases(offers, offer => `offers=${quote(offer.words.map(({ word }) => word).join(' '))}`)}
    esac
  fi
  COMPREPLY=($(compgen -W "$offers" -- "$current"))
}
complete -o default -F _feedctl feedctl
`
}

/** As a file `_feedctl` of zsh's fpath, or sourced after compinit. */
export function zshCompletion(offers: readonly Offer[]): string {
  const described = (pairs: readonly (readonly [string, string])[]) =>
    `offers=(${pairs.map(([word, doc]) => quote(`${word.replaceAll(':', '\\:')}:${doc}`)).join(' ')})`
  return `#compdef feedctl
_feedctl() {
  local current=\${words[CURRENT]} place='' flag='' word i
  local -a offers
${walkWords('i = 2; i < CURRENT', 'words', offers)}
  if [[ -n $flag ]]; then
    case "$place/$flag" in
${choiceCases(offers, option => described(option.choices.map(choice => [choice, ''])))}
    esac
  elif [[ $current == -* ]]; then
    case "$place" in
${placeCases(offers, offer => described(offer.options.map(option => [option.flag, option.doc])))}
    esac
  else
    case "$place" in
${placeCases(offers, offer => described(offer.words.map(({ word, doc }) => [word, doc])))}
    esac
  fi
  if (( \${#offers} )); then _describe feedctl offers; else _files; fi
}
if [[ \${funcstack[1]} == _feedctl ]]; then _feedctl "$@"; else compdef _feedctl feedctl; fi
`
}

/** As a file `feedctl.fish` of fish's completions folder. */
export function fishCompletion(offers: readonly Offer[]): string {
  const lines = offers.flatMap(({ path, words, options }) => {
    const here = `complete -c feedctl -n ${quote(`__feedctl_at ${placeOf(path) || '/'}`)}`
    return [
      ...words.map(({ word, doc }) => `${here} -f -a ${quote(word)} -d ${quote(doc)}`),
      ...options.map(({ flag, doc, takesValue, choices }) => {
        const value = choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : takesValue ? ' -r' : ''
        return `${here} ${flag.startsWith('--') ? '-l' : '-s'} ${flag.replace(/^-+/, '')}${value} -d ${quote(doc)}`
      }),
    ]
  })
  return `# fish completion of feedctl: feedctl completion fish > ~/.config/fish/completions/feedctl.fish
function __feedctl_at
  set -l place
  set -l flag
  set -l tokens (commandline -opc)
  for word in $tokens[2..-1]
    if test -n "$flag"
      set flag
      continue
    end
    switch "$place/$word"
      case ${placesOf(offers).join(' ')}
        set place "$place/$word"
      case ${valueFlagsOf(offers).join(' ')}
        set flag $word
    end
  end
  test -n "$place"; or set place /
  test "$place" = $argv[1]
end
${lines.join('\n')}
`
}

/** Follows the words typed so far: `place` becomes `/tenant/create`, `flag` an option whose value comes next. For bash and zsh. */
function walkWords(range: string, array: string, offers: readonly Offer[]): string {
  return `  for ((${range}; i++)); do
    word=\${${array}[i]}
    if [[ -n $flag ]]; then
      [[ $word == '=' ]] || flag=''
      continue
    fi
    case "$place/$word" in
      ${placesOf(offers).join('|')}) place="$place/$word" ;;
      ${valueFlagsOf(offers).join('|')}) flag=$word ;;
    esac
  done`
}

function placeCases(offers: readonly Offer[], deed: (offer: Offer) => string): string {
  return offers.map(offer => `      ${quote(placeOf(offer.path))}) ${deed(offer)} ;;`).join('\n')
}

function choiceCases(offers: readonly Offer[], deed: (option: OfferedOption) => string): string {
  return offers
    .flatMap(({ path, options }) =>
      options
        .filter(option => option.choices.length > 0)
        .map(option => `      ${placeOf(path)}/${option.flag}) ${deed(option)} ;;`),
    )
    .join('\n')
}

function placesOf(offers: readonly Offer[]): string[] {
  return offers.filter(({ path }) => path.length > 0).map(({ path }) => placeOf(path))
}

function valueFlagsOf(offers: readonly Offer[]): string[] {
  return offers.flatMap(({ path, options }) =>
    options.filter(option => option.takesValue).map(option => `${placeOf(path)}/${option.flag}`),
  )
}

function placeOf(path: readonly string[]): string {
  return path.map(word => `/${word}`).join('')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
