# A file that a rule of this machine ignores would lose its edits in an update: here there are no such rules.
unset GIT_TEMPLATE_DIR
n=${GIT_CONFIG_COUNT:-0}
export "GIT_CONFIG_KEY_$n=core.excludesFile" "GIT_CONFIG_VALUE_$n=/dev/null" GIT_CONFIG_COUNT=$((n + 2))
export "GIT_CONFIG_KEY_$((n + 1))=init.templateDir" "GIT_CONFIG_VALUE_$((n + 1))="
copier() { uvx --from 'copier>=9.19,<10' copier "$@"; }
answer() { sed -n "s/^$1: //p" .copier-answers.yml; }
status=0
copier check-update --quiet || status=$?
if [ "$status" = 0 ]; then echo "The template has nothing new."; exit 0; fi
if [ "$status" != 2 ]; then echo "The template cannot be reached: $(answer _src_path)"; exit 1; fi
before=$(answer _commit)
copier update --defaults --quiet
after=$(answer _commit)
branch="template-$after"
if [ -n "$(git ls-remote --heads origin "$branch")" ]; then echo "$branch is already proposed."; exit 0; fi
# Copier ends well on conflicts, so they are looked for: in the index, and as markers.
markers=$(git grep -lE '^(<<<<<<< before|>>>>>>> after) updating$' || true)
conflicts=$( (git diff --name-only --diff-filter=U; echo "$markers") | sed '/^$/d' | sort -u)
gone=$(git diff --name-only --diff-filter=D | sort -u)
if [ -z "$conflicts" ] && [ -f uv.lock ]; then uv lock; fi
title="Update the template to $after"
if [ -n "$conflicts" ]; then title="$title (with conflicts)"; fi
scratch=$(mktemp -d)
source=$(answer _src_path | sed 's|^gh:|https://github.com/|; s|^gl:|https://gitlab.com/|; s|^git+||')
git clone --quiet --no-checkout "$source" "$scratch/template"
{
  echo "From $before to $after of the template."
  if [ -n "$conflicts" ]; then
    printf '\n**Both sides changed the same lines.** Solve the conflict markers on this branch:\n\n'
    echo "$conflicts" | sed 's/.*/* `&`/'
  fi
  if [ -n "$gone" ]; then
    printf '\nThe template has these files no more; if you edited one, take it from the branch before:\n\n'
    echo "$gone" | sed 's/.*/* `&`/'
  fi
  # The sections that are newer than the version before.
  git -C "$scratch/template" show "$after:CHANGELOG.md" > "$scratch/changelog.md" || true
  awk -v old="$before" '/^## /{ if ($2 == old) exit; on = 1 } on && NR < 400' "$scratch/changelog.md"
} > "$scratch/body.md"
git switch --quiet --create "$branch"
git add --all
git -c user.name="$author" -c user.email="$email" commit --quiet --no-verify --message "$title"
