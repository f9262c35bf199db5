# Tidies up after an arena. Each line of standard input names something that was made or has gone;
# the end of the input, whatever caused it, means that the rest is to be removed.
trap '' INT TERM HUP
groups=' ' spaces=
while read -r what name; do
  case $what in
    group) groups="$groups$name " ;;
    gone) case $groups in *" $name "*) groups="${groups%% "$name" *} ${groups#* "$name" }" ;; esac ;;
    space) spaces="$spaces $name" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for space in $spaces; do
  for process in $(ip netns pids "$space" 2>/dev/null); do kill -s KILL "$process" 2>/dev/null; done
done
for space in $spaces; do ip netns delete "$space" 2>/dev/null; done
exit 0
