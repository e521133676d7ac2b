import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's command-line tools in one Java process, because most of a tool's time is the start of its own. It listens on loopback, prints
 * its port, and ends when its input does. A connection is one run; numbers are int32, strings and bytes have their length before them:
 *
 *   to us    class, count of arguments, arguments, input; when nothing more can come from there, that is a Ctrl-C
 *   from us  pieces as they come, a byte and bytes: 1 of output, 2 of errors; at last 0, 4, exit status
 *
 * Runs may overlap: a thread and the threads that it starts have the run's own input, output, errors, exit and shutdown hooks.
 */
public class ToolServer {
  public static void main(String[] args) throws IOException {
    PrintStream own = System.out;
    System.setIn(new InputOfRun());
    System.setOut(new PrintStream(new OutputOfRun(Run.OUT), true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(new OutputOfRun(Run.ERR), true, StandardCharsets.UTF_8));
    Exit.setExitProcedure((status, message) -> Run.ofThread.get().exit(status));
    Exit.setHaltProcedure((status, message) -> Run.ofThread.get().exit(status));
    Exit.setShutdownHookAdder((name, hook) -> Run.ofThread.get().addHook(hook));
    InputStream lifeline = new java.io.FileInputStream(java.io.FileDescriptor.in);
    daemon(() -> {
      while (lifeline.read() >= 0) {}
      Runtime.getRuntime().halt(0);
    });
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      own.println("listening on " + server.getLocalPort());
      while (true) {
        Socket socket = server.accept();
        daemon(() -> serve(socket));
      }
    }
  }

  static void serve(Socket socket) throws IOException {
    try (socket) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      String tool = new String(bytes(in), StandardCharsets.UTF_8);
      String[] args = new String[in.readInt()];
      for (int i = 0; i < args.length; i++) args[i] = new String(bytes(in), StandardCharsets.UTF_8);
      Run run = new Run(bytes(in), new DataOutputStream(new BufferedOutputStream(socket.getOutputStream())));
      Run.ofThread.set(run);
      daemon(() -> {
        if (in.read() < 0) run.runHooks();
      });
      run.toEnd(tool, args);
    }
  }

  static byte[] bytes(DataInputStream in) throws IOException {
    return in.readNBytes(in.readInt());
  }

  interface Work {
    void run() throws Exception;
  }

  static void daemon(Work work) {
    Thread thread = new Thread(() -> {
      try {
        work.run();
      } catch (Exception end) {
        // The caller sees its connection closed without an answer.
      }
    });
    thread.setDaemon(true);
    thread.start();
  }

  /** What `Exit.exit` of a tool throws, so that it ends the run and not the process. */
  static final class Exited extends Error {
    Exited() {
      super(null, null, false, false);
    }
  }

  static final class Run {
    static final InheritableThreadLocal<Run> ofThread = new InheritableThreadLocal<>();
    static final int STATUS = 0;
    static final int OUT = 1;
    static final int ERR = 2;
    final InputStream in;
    /** Guarded by itself, as is `hooks`. */
    final DataOutputStream answer;
    final List<Runnable> hooks = new ArrayList<>();
    /** From then on a hook runs as soon as there is one. */
    boolean isStopped;
    /** Of the first exit, which is the one that would have ended a process; null while there was none. */
    volatile Integer exitStatus;
    /** After an exit, while a tool that catches everything handles it as an error: nothing is to be seen of that. */
    volatile boolean isMute;

    Run(byte[] input, DataOutputStream answer) {
      in = new ByteArrayInputStream(input);
      this.answer = answer;
    }

    void addHook(Runnable hook) {
      synchronized (hooks) {
        hooks.add(hook);
        if (isStopped) daemon(this::runHooks);
      }
    }

    /** Each runs once, by a Ctrl-C or after the end. */
    void runHooks() {
      List<Runnable> waiting;
      synchronized (hooks) {
        isStopped = true;
        waiting = List.copyOf(hooks);
        hooks.clear();
      }
      for (Runnable hook : waiting) step(hook::run);
    }

    /** Who asked may be gone: then nobody is to hear of it, least of all the stream that all runs share. */
    void write(int kind, byte[] from, int at, int length) {
      synchronized (answer) {
        try {
          answer.writeByte(kind);
          answer.writeInt(length);
          answer.write(from, at, length);
        } catch (IOException gone) {
          // See above.
        }
      }
    }

    void flush() {
      synchronized (answer) {
        try {
          answer.flush();
        } catch (IOException gone) {
          // See above.
        }
      }
    }

    void exit(int status) {
      if (exitStatus == null) exitStatus = status;
      isMute = true;
      throw new Exited();
    }

    void toEnd(String tool, String[] args) {
      step(() -> {
        try {
          ClassLoader own = new ToolLoader();
          Thread.currentThread().setContextClassLoader(own);
          own.loadClass(tool).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (InvocationTargetException thrown) {
          throw thrown.getCause();
        }
      });
      if (exitStatus == null) exitStatus = 0;
      isMute = false;
      runHooks();
      System.out.flush();
      System.err.flush();
      write(STATUS, ByteBuffer.allocate(4).putInt(exitStatus).array(), 0, 4);
      flush();
    }

    interface Step {
      void run() throws Throwable;
    }

    /** As the launcher of Java ends a program: an exception that nobody catches is printed, and the status is 1. */
    void step(Step step) {
      try {
        step.run();
      } catch (Exited exit) {
        // Its status is known.
      } catch (Throwable thrown) {
        System.err.print("Exception in thread \"main\" ");
        thrown.printStackTrace(System.err);
        if (exitStatus == null) exitStatus = 1;
      }
    }
  }

  /** Loads the tools' own classes for each run anew, because their static fields count what one run does; what they use is shared. */
  static final class ToolLoader extends URLClassLoader {
    static final URL[] jars = Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator))
        .filter(jar -> jar.matches(".*/(kafka-tools|kafka_)[^/]*"))
        .map(ToolLoader::urlOf)
        .toArray(URL[]::new);

    ToolLoader() {
      super(jars, ToolServer.class.getClassLoader());
    }

    static URL urlOf(String jar) {
      try {
        return new java.io.File(jar).toURI().toURL();
      } catch (IOException wrong) {
        throw new IllegalStateException(wrong);
      }
    }

    @Override
    protected Class<?> loadClass(String name, boolean isResolved) throws ClassNotFoundException {
      if (!name.startsWith("org.apache.kafka.tools.") && !name.startsWith("kafka.")) return super.loadClass(name, isResolved);
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? findClass(name) : loaded;
    }
  }

  static final class InputOfRun extends InputStream {
    @Override
    public int read() throws IOException {
      return Run.ofThread.get().in.read();
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
      return Run.ofThread.get().in.read(into, at, length);
    }
  }

  static final class OutputOfRun extends OutputStream {
    final int kind;

    OutputOfRun(int kind) {
      this.kind = kind;
    }

    @Override
    public void write(int value) {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] from, int at, int length) {
      Run run = Run.ofThread.get();
      if (run != null && !run.isMute) run.write(kind, from, at, length);
    }

    @Override
    public void flush() {
      Run run = Run.ofThread.get();
      if (run != null) run.flush();
    }
  }
}
